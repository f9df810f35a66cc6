"""How values are written: short, and harmless."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.panes.text import age, amount, bps, clock, count, cut, decimals, inert, milliseconds, money
from console.screens.letters import large

S = 1_000_000_000


@given(st.text())
def test_text_from_outside_has_one_cell_for_each_character_and_no_controls(text: str) -> None:
    shown = inert(text)
    assert cell_len(shown) == len(shown)
    assert not [c for c in shown if unicodedata.category(c)[0] == "C"]


@given(st.text(), st.integers(0, 40))
def test_a_cut_text_never_takes_more_room_than_it_was_given(text: str, width: int) -> None:
    assert len(cut(text, width)) <= width


@given(st.floats(0, 1e12))
def test_counts_and_sizes_stay_in_their_columns(number: float) -> None:
    assert len(count(number)) <= 7
    assert len(amount(number)) <= 7


@given(st.integers(0, 10**15))
def test_ages_and_durations_stay_in_their_columns(took_ns: int) -> None:
    assert len(age(took_ns)) <= 6
    assert len(milliseconds(took_ns / 1e6)) <= 6


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (age(100_000_000), "<0.3s"),
        (age(1_250_000_000), "1.2s"),
        (age(42 * S), "42s"),
        (age(185 * S), "3m05s"),
        (age(2 * 3600 * S), "2h"),
        (count(9_999), "9,999"),
        (count(12_345), "12.3k"),
        (count(4_560_000), "4.6M"),
        (money("-0.0483"), "-0.05"),
        (money("0.000012"), "+0.000012"),
        (money("1234567.5", signed=False), "1,234,567.50"),
        (money("0"), "0.00"),
        (money("NaN"), "NaN"),
        (money("lots"), "lots"),
        (bps(-20.04), "-20.0"),
        (bps(5), "+5.0"),
        (milliseconds(0.094), "0.09"),
        (milliseconds(61.23), "61.2"),
        (milliseconds(1800), "1.8s"),
        (str(decimals("0.00010")), "4"),
        (str(decimals("5")), "0"),
        (str(decimals("10")), "0"),
        (str(decimals("?")), "2"),
        (clock(1_772_366_399 * S), "11:59:59"),
    ],
)
def test_a_value_is_written_as_a_trader_expects(written: str, shown: str) -> None:
    assert written == shown


def test_letters_are_large_and_of_equal_width() -> None:
    for code in ("kp", "WM", "e!", ""):
        assert len({len(line) for line in large(code)}) == 1
    assert large("i")[0] == "▀▀█▀▀"
