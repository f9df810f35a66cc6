"""Operators' keys: who can read them, and what is wrong with those that cannot be used."""

import base64
import stat
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.remote.keys import CONSOLE_VARIABLE, DESK_VARIABLE, console_key, operators, write_key

SECRET = base64.b64encode(b"s" * 32).decode()


def test_a_key_that_was_made_is_for_its_owner_alone_and_both_ends_read_the_same(tmp_path: Path) -> None:
    file = tmp_path / "new" / "operator.key"
    kid = write_key("ana", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = console_key(file, {})
    assert (key.kid, len(key.secret)) == (kid, 32)
    assert operators(file, {}) == {kid: key.secret}
    assert repr(key) == f"OperatorKey({kid})"


def test_a_second_key_is_added_the_desk_takes_both_and_the_console_signs_with_the_newest(tmp_path: Path) -> None:
    file = tmp_path / "operator.key"
    kids = [write_key("ana", file) for _ in range(2)]
    assert list(operators(file, {})) == kids
    assert console_key(file, {}).kid == kids[1]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o644, 0o610])
def test_a_file_that_others_could_touch_is_neither_read_nor_added_to(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "operator.key"
    write_key("ana", file)
    before = file.read_bytes()
    file.chmod(mode)
    for use in (lambda: operators(file, {}), lambda: console_key(file, {}), lambda: write_key("ana", file)):
        with pytest.raises(ConfigurationError, match=f"chmod 600 {file}") as caught:
            use()
        assert f"{mode:04o}" in str(caught.value)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "line", ["ana", "ana ", f"ANA {SECRET}", "ana c2hvcnQ=", f"ana {SECRET}!", f"{'a' * 60} {SECRET}"]
)
def test_a_line_that_is_no_key_is_named_and_its_secret_is_not_repeated(tmp_path: Path, line: str) -> None:
    file = tmp_path / "operators.keys"
    file.touch(0o600)
    file.write_text(f"# the desk's operators\n\nben {SECRET}\n{line}\n")
    with pytest.raises(ConfigurationError, match="line 4") as caught:
        operators(file, {})
    assert SECRET not in str(caught.value)
    with pytest.raises(ConfigurationError, match=DESK_VARIABLE) as caught:
        operators(None, {DESK_VARIABLE: f"ben:{SECRET},{line.replace(' ', ':')}"})
    assert SECRET not in str(caught.value)


def test_keys_come_from_the_environment_too(tmp_path: Path) -> None:
    assert operators(None, {}) == {}
    assert operators(None, {DESK_VARIABLE: f"ana:{SECRET}, ben:{SECRET}"}) == {"ana": b"s" * 32, "ben": b"s" * 32}
    assert console_key(None, {CONSOLE_VARIABLE: f"ana:{SECRET}"}).kid == "ana"


def test_a_missing_or_an_empty_file_and_a_bad_name_are_one_clear_line(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch(0o600)
    for file, why in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory"), (empty, "no key is in it")):
        with pytest.raises(ConfigurationError, match=why) as caught:
            operators(file, {})
        assert str(file) in str(caught.value)
        assert "\n" not in str(caught.value)
    for name in ("", "Ana", "a b", "-ana", "a" * 33):
        with pytest.raises(ConfigurationError, match="is no name for an operator"):
            write_key(name, tmp_path / "never")
    assert not (tmp_path / "never").exists()
