"""Keys of accounts: found in one place, told in one line what is wrong, and shown to nobody."""

import json
import logging
import pickle
import subprocess
import sys
import traceback
from pathlib import Path

import msgspec
import pytest

from core.errors import AccountHeld, ConfigurationError
from core.execution.keys import Keys, Secret, held_accounts, keys_of, may_withdraw, refuse_withdrawal

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
        (f'[bybit]\nkey = "{KEY}"\nsecret = "{SECRET}"\n', 0o600, "There are no keys for okx"),
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
    told = [caplog.text, str(held), repr(held), f"{held.secret}", f"{held.secret:>20}", held.account, f"{held.key!s}"]
    for way in (json.dumps, msgspec.json.encode, pickle.dumps):
        with pytest.raises(TypeError):
            told.append(str(way(held.secret)))
    assert not [text for text in told if KEY in text or SECRET in text or PASSPHRASE in text]
    assert held.secret == Secret(SECRET)
    assert held.secret != Secret(KEY)


ANSWERS = [
    ("binance", {"ipRestrict": True, "enableWithdrawals": True}, True),
    ("binance", {"enableWithdrawals": False, "enableSpotAndMarginTrading": True}, False),
    ("bybit", {"retCode": 0, "result": {"permissions": {"Spot": ["SpotTrade"], "Wallet": ["Withdraw"]}}}, True),
    ("bybit", {"retCode": 0, "result": {"permissions": {"Spot": ["SpotTrade"], "Wallet": []}}}, False),
    ("okx", {"code": "0", "data": [{"perm": "read_only,withdraw,trade"}]}, True),
    ("okx", {"code": "0", "data": [{"perm": "read_only,trade"}]}, False),
    ("upbit", [{"access_key": "x", "expire_at": "2027-01-01"}], None),
    ("binance", {"code": -2015}, None),
]


@pytest.mark.parametrize(("venue", "answer", "may"), ANSWERS)
def test_a_key_that_may_withdraw_is_refused_where_the_venue_tells(venue: str, answer: object, may: bool | None) -> None:
    assert may_withdraw(venue, answer) is may
    one = keys()._replace(venue=venue)
    if may:
        with pytest.raises(ConfigurationError, match="may withdraw"):
            refuse_withdrawal(one, answer)
    else:
        refuse_withdrawal(one, answer)


def test_one_account_is_one_process_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    holding = (
        "import sys\nfrom pathlib import Path\nfrom core.execution.keys import *\n"
        f"with held_accounts([Keys('okx', Secret('{KEY}'), Secret('x'), None, '')], Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    other = keys()._replace(key=Secret("another"))
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as desk:
        assert desk.stdout is not None
        assert desk.stdout.readline() == "held\n"
        with (
            held_accounts([other], tmp_path),
            pytest.raises(AccountHeld, match=f"process {desk.pid}") as told,
            held_accounts([keys()], tmp_path),
        ):
            raise AssertionError("two desks have one account")
        assert KEY not in str(told.value)
        desk.kill()
        desk.wait()
    with held_accounts([keys()], tmp_path):
        pass
