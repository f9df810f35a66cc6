"""What is recorded, and what could not be, is on the screen."""

from msgspec.structs import replace

from console.panes.status import recording
from core.tape.recorder import Recording
from tests.console.frozen import trading


def shown(tape: Recording | None) -> str:
    items = recording(replace(trading(), recording=tape))
    return " ".join("".join(text for text, _ in item.spans) for item in items)


def test_the_status_says_how_much_is_on_the_tape_and_first_of_all_what_is_not() -> None:
    sound = Recording("tapes/1", bytes=12_345_678, entries=9, frames=9)
    assert shown(None) == ""
    assert shown(sound) == "tape 12 MB"
    assert shown(replace(sound, bytes=345_678)) == "tape 0.3 MB"
    assert shown(replace(sound, dropped=7)) == "tape 7 dropped"
    assert shown(replace(sound, trouble="No space left on device", dropped=1_200)) == "tape 1,200 dropped"
