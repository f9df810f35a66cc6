"""Typing a code: only a person who means it can."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.screens.approval import CodeGuard

MS = 1_000_000
CODE = "kp"
KEYS: list[str | None] = [*string.ascii_letters, *string.digits, *string.punctuation, " ", None, None]


def guard(at_ns: int = 0) -> CodeGuard:
    found = CodeGuard(CODE)
    found.painted(at_ns)
    return found


def looked(asked: CodeGuard, start_ns: int, end_ns: int) -> bool:
    """Look as often as the dialog does; tell whether it was accepted."""
    phases = [asked.look(at) for at in range(start_ns, end_ns + 1, 50 * MS)]
    return "accepted" in phases


def typed(*keys: tuple[int, str | None], until_ms: int = 20_000) -> bool:
    """Press keys at their milliseconds, looking every 50 ms between them."""
    asked, now, accepted = guard(), 0, False
    for at_ms, key in keys:
        accepted = looked(asked, now, at_ms * MS) or accepted
        asked.key(key, at_ms * MS)
        now = at_ms * MS
    return looked(asked, now, until_ms * MS) or accepted


def test_a_pause_both_letters_and_a_pause_approve() -> None:
    assert typed((500, "k"), (700, "p"))
    assert typed((500, "K"), (700, "P"))
    assert typed((500, "k"), (500, "p"))  # both letters in one read


@pytest.mark.parametrize(
    "keys",
    [
        ((300, "k"), (450, "p")),
        ((500, "p"), (700, "k")),
        ((500, "k"), (700, "k"), (900, "p")),
        ((500, "k"), (3_600, "p")),
        ((500, "k"), (600, "p"), (700, "p")),
        ((500, "k"), (600, "p"), (840, None)),
        ((500, "k"), (600, None), (700, "p")),
        ((500, "x"), (1_300, "k"), (1_400, "p")),
        ((450, None), (600, "k"), (700, "p")),
        ((500, "k"),),
        (),
    ],
)
def test_every_other_pattern_approves_nothing(keys: tuple[tuple[int, str | None], ...]) -> None:
    assert not typed(*keys)


def test_a_mistake_can_be_mended_after_a_second_without_keys() -> None:
    assert typed((500, "x"), (1_600, "k"), (1_700, "p"))
    assert not typed((500, "x"), (1_400, None), (2_300, "k"), (2_400, "p"))


def test_nothing_counts_before_the_dialog_is_on_the_screen() -> None:
    asked = CodeGuard(CODE)
    asked.key("k", 500 * MS)
    asked.key("p", 600 * MS)
    asked.painted(700 * MS)
    assert not looked(asked, 700 * MS, 5_000 * MS)


def test_a_stalled_loop_waits_anew_for_keys_that_it_has_not_read_yet() -> None:
    asked = guard()
    looked(asked, 0, 500 * MS)
    asked.key("k", 500 * MS)
    asked.key("p", 600 * MS)
    assert asked.look(2_000 * MS) == "quiet"
    asked.key("p", 2_010 * MS)
    assert not looked(asked, 2_010 * MS, 9_000 * MS)


@pytest.mark.parametrize("per_s", [1.5, 2, 3, 5, 10, 20, 30, 100, 1000])
def test_random_keys_approve_nothing(per_s: float) -> None:
    """A minute of keys for each of many dialogs; the pauses that a decision needs are never there."""
    chance = random.Random(int(per_s * 1000))
    for _ in range(4):
        asked, now = guard(), 0
        looked(asked, 0, 500 * MS)
        first = True
        while now < 60_000 * MS:
            gap = int(chance.uniform(0.8, 1.2) / per_s * 1e9) if not first else 500 * MS
            assert not looked(asked, now, now + gap - 1)
            now += gap
            key = chance.choice(KEYS)
            if first and (key or "").lower() == CODE[0]:
                continue  # what a person would have to type on purpose
            first = False
            asked.key(key, now)


@given(st.lists(st.tuples(st.integers(0, 399), st.sampled_from(["k", "p", "x", None])), max_size=60))
def test_keys_without_a_pause_between_them_never_approve(keys: list[tuple[int, str | None]]) -> None:
    asked, now = guard(), 0
    for gap_ms, key in keys:
        assert not looked(asked, now, now + gap_ms * MS)
        now += gap_ms * MS
        asked.key(key, now)
    assert asked.look(now) != "accepted"
