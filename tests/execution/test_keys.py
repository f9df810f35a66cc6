"""Keys of accounts: found in one place, told in one line what is wrong, and shown to nobody."""

import json
import logging
import pickle
import traceback
from pathlib import Path

import msgspec
import pytest

from core.errors import ConfigurationError
from core.execution.keys import Keys, Secret, keys_of

KEY, SECRET, PASSPHRASE = "pUbLiCkEy0123456789", "sEcReT9876543210", "pAsSpHrAsE"
NOWHERE = {"HOME": "/nonexistent"}


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    file = path / "keys.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


def keys() -> Keys:
    return Keys("okx", Secret(KEY), Secret(SECRET), Secret(PASSPHRASE), "a test")


def test_the_environment_counts_before_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, f'[okx]\nkey = "{KEY}"\nsecret = "{SECRET}"\npassphrase = "{PASSPHRASE}"\n')
    found = keys_of("okx", file, NOWHERE)
    assert (found.key.reveal(), found.secret.reveal()) == (KEY, SECRET)
    assert found.passphrase == Secret(PASSPHRASE)
    assert found.source == str(file)
    other = keys_of("binance", file, {"ARBDESK_BINANCE_KEY": "k", "ARBDESK_BINANCE_SECRET": "s"})
    assert (other.key.reveal(), other.passphrase, other.source) == ("k", None, "the environment")


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        (f'[okx]\nkey = "{KEY}"\nsecret = "{SECRET}"\n', 0o600, "okx.passphrase missing"),
        (f'[okx]\nkey = "{KEY}"\n', 0o640, "chmod 600"),
        (f'[okx]\nkey = "{SECRET}\n', 0o600, "not TOML"),
        (f'[okx]\nkey = "{KEY}"\nsecrte = "{SECRET}"\n', 0o600, "it may hold key, secret, passphrase"),
        (f'[okx]\nkey = "{KEY} "\nsecret = "{SECRET}"\npassphrase = "x"\n', 0o600, "is no key"),
        (
            f'[bybit]\nkey = "{KEY}"\nsecret = "{SECRET}"\n',
            0o600,
            "No key for okx. Set ARBDESK_OKX_KEY and ARBDESK_OKX_SECRET and ARBDESK_OKX_PASSPHRASE, or",
        ),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do_and_repeats_no_secret(
    tmp_path: Path, text: str, mode: int, words: str
) -> None:
    with pytest.raises(ConfigurationError) as told:
        keys_of("okx", written(tmp_path, text, mode), NOWHERE)
    line = str(told.value)
    assert words in line
    assert "\n" not in line
    everything = line + "".join(traceback.format_exception(told.value))
    assert KEY not in everything
    assert SECRET not in everything


def test_a_secret_shows_itself_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    held = keys()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("arbdesk").debug("%s %r %s", held, held.secret, {"key": held.key})
    told = [caplog.text, str(held), repr(held), f"{held.secret}", f"{held.secret:>20}", f"{held.key!s}"]
    for way in (json.dumps, msgspec.json.encode, pickle.dumps):
        with pytest.raises(TypeError):
            told.append(str(way(held.secret)))
    assert not [text for text in told if KEY in text or SECRET in text or PASSPHRASE in text]
    assert held.secret == Secret(SECRET)
    assert held.secret != Secret(KEY)
