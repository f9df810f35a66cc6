"""What holds for every venue's dialect."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadFrame
from core.feeds.catalogue import dialect, own
from core.feeds.venue import Dialect, Event
from core.tick import Tick
from tests.feeds import test_binance, test_bybit, test_okx
from tests.feeds.samples import NOW_NS, binance, bybit, dumped, okx

REAL = {"binance": test_binance.REAL, "bybit": test_bybit.REAL, "okx": test_okx.REAL}
MADE = {"binance": binance(), "bybit": bybit(), "okx": okx()}
VENUES = st.sampled_from(sorted(MADE))
ALL = st.sampled_from(own())
SYMBOLS = ("BTC/USDT", "ETH/USDT")
NUMBERS = st.one_of(st.floats(), st.integers(), st.text(max_size=8), st.none(), st.booleans(), st.floats().map(str))


def heard(speaker: Dialect, frame: bytes) -> Sequence[Event]:
    """Return what was said, and check that every quote in it can be one. A bad frame says nothing."""
    try:
        events = speaker.decode(frame, NOW_NS)
    except BadFrame:
        return ()
    for event in events:
        if isinstance(event, Tick):
            numbers = (event.bid_price, event.ask_price, event.bid_volume, event.ask_volume)
            assert all(0 < number < math.inf for number in numbers)
            assert event.symbol in SYMBOLS
            assert 0 <= event.sequence_id < 2**63
            assert event.received_ns == NOW_NS
    return events


@pytest.mark.parametrize("venue", MADE)
def test_a_frame_cut_short_anywhere_is_bad(venue: str) -> None:
    speaker = dialect(venue)(SYMBOLS)
    for end in range(len(REAL[venue])):
        with pytest.raises(BadFrame, match="malformed"):
            speaker.decode(REAL[venue][:end], NOW_NS)
    assert len(heard(speaker, REAL[venue])) == 1


@given(ALL, st.binary(max_size=300))
def test_garbage_is_bad_and_nothing_else(venue: str, frame: bytes) -> None:
    assert not [event for event in heard(dialect(venue)(SYMBOLS), frame) if isinstance(event, Tick)]


@given(VENUES, st.data())
def test_a_damaged_frame_brings_no_impossible_quote(venue: str, data: st.DataObject) -> None:
    frame = bytearray(REAL[venue])
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    heard(dialect(venue)(SYMBOLS), bytes(frame))


names = st.sampled_from(
    [
        "type",
        "channel",
        "event",
        "data",
        "result",
        "ch",
        "tick",
        "arg",
        "code",
        "method",
        "params",
        "bbo",
        "coin",
        "msg",
        "product_id",
        "changes",
        "symbol",
        "instId",
        "topic",
        "instrument_name",
        "timestamp",
        "bids",
        "asks",
        "s",
        "u",
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 2**64)
    | st.sampled_from(("update", "snapshot", "BTC-USDT", "1.5", "x")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=8),
    max_leaves=20,
)


@settings(max_examples=60)
@given(values | st.dictionaries(names, values))
def test_json_of_any_shape_is_bad_or_says_nothing_impossible(message: object) -> None:
    for venue in own():
        heard(dialect(venue)(SYMBOLS), dumped(message))


@settings(max_examples=40)
@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_any_values_make_a_possible_quote_or_none(
    bid: object, size: object, ask: object, other: object, sequence_id: object, when: object
) -> None:
    heard(dialect("binance")(SYMBOLS), binance(sequence_id, b=bid, B=size, a=ask, A=other))
    heard(dialect("bybit")(SYMBOLS), bybit(sequence_id, b=[[bid, size]], a=[[ask, other]], cts=when))
    heard(dialect("okx")(SYMBOLS), okx(sequence_id, bids=[[bid, size]], asks=[[ask, other]], ts=when))


@pytest.mark.parametrize("venue", MADE)
@pytest.mark.parametrize("frame", [b"null", b"5", b'"text"', b"[]", b'[{"u":1}]', b"true"])
def test_json_that_is_no_object_is_bad(venue: str, frame: bytes) -> None:
    with pytest.raises(BadFrame, match="not_an_object"):
        dialect(venue)(SYMBOLS).decode(frame, NOW_NS)


@pytest.mark.parametrize("venue", MADE)
@pytest.mark.parametrize("around", [b"\xef\xbb\xbf%b", b"  %b", b"%b\r\n\t", b"\xef\xbb\xbf %b "])
def test_a_byte_order_mark_and_white_space_do_not_matter(venue: str, around: bytes) -> None:
    plain, wrapped = dialect(venue)(SYMBOLS), dialect(venue)(SYMBOLS)
    assert list(heard(plain, MADE[venue])) == list(heard(wrapped, around % MADE[venue])) != []


@pytest.mark.parametrize("venue", MADE)
def test_every_connection_counts_from_its_own_start(venue: str) -> None:
    assert heard(dialect(venue)(SYMBOLS), MADE[venue]) == heard(dialect(venue)(SYMBOLS), MADE[venue]) != ()
