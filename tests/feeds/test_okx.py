from typing import Any

import orjson
import pytest

from core.errors import BadFrame
from core.feeds.dialects.okx import Okx
from core.feeds.venue import Acknowledged, Event, Goodbye, Ignored, Refused, Untrue
from core.tick import Tick
from tests.feeds.samples import NOW_NS, TS, dumped, okx, only_tick, said

REAL = (
    b'{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["105252.6","0.16271274","0","5"]],'
    b'"bids":[["105252.5","1.1133491","0","19"]],"ts":"1749044565306","seqId":55729075884}]}'
)


@pytest.fixture
def dialect() -> Okx:
    return Okx(["BTC/USDT", "ETH/USDT"])


def test_a_push_is_a_quote_with_the_venues_time(dialect: Okx) -> None:
    expected = Tick(
        "okx", "BTC/USDT", 105252.5, 105252.6, 1.1133491, 0.16271274, 1749044565306, 55729075884, received_ns=NOW_NS
    )
    assert only_tick(dialect, REAL) == expected
    assert only_tick(Okx([]), REAL) == expected


def test_numbers_may_be_numbers_or_text_and_unknown_fields_do_not_matter(dialect: Okx) -> None:
    tick = only_tick(dialect, okx("8", bids=[[100, "1.5"]], asks=[["1.01E2", 2]], ts=TS, checksum=0, x=[{}]))
    assert (tick.bid_price, tick.bid_volume, tick.ask_price, tick.ask_volume) == (100.0, 1.5, 101.0, 2.0)
    assert (tick.timestamp, tick.sequence_id) == (TS, 8)


def test_without_the_venues_counter_ours_counts(dialect: Okx) -> None:
    frames = [okx(None), okx(None, native="ETH-USDT"), okx(None), okx(None, seqId=None)]
    assert [tick.sequence_id for tick in said(dialect, *frames) if isinstance(tick, Tick)] == [0, 0, 1, 2]


def test_an_older_frame_and_a_repeat_bring_nothing_and_a_jump_means_nothing(dialect: Okx) -> None:
    events = said(dialect, okx(7), okx(7), okx(6), okx(700))
    assert events[1:3] == [Ignored("repeat"), Ignored("old")]
    assert isinstance(events[3], Tick)


def test_after_maintenance_the_counter_starts_anew_and_quotes_come_again(dialect: Okx) -> None:
    events = said(dialect, *(okx(number) for number in (55_729_075_884, 10, 12, 13, 17, 18, 19)))
    assert [type(event) for event in events] == [Tick, Ignored, Ignored, Ignored, Ignored, Tick, Tick]


def test_several_books_in_one_push_are_read_in_their_order(dialect: Okx) -> None:
    push = orjson.loads(okx(7))
    push["data"].append(push["data"][0] | {"seqId": 8, "asks": []})
    first, second = said(dialect, dumped(push))
    assert isinstance(first, Tick)
    assert second == Untrue("BTC/USDT", "one_sided")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"bids": []}, "one_sided"),
        ({"asks": []}, "one_sided"),
        ({"asks": [["0", "0", "0", "0"]]}, "one_sided"),
        ({"asks": [["", "", "0", "0"]]}, "one_sided"),
        ({"bids": [["100", "0", "0", "0"]]}, "zero_size"),
    ],
)
def test_half_a_top_of_book_is_no_quote(dialect: Okx, fields: dict[str, Any], reason: str) -> None:
    (event,) = said(dialect, okx(**fields))
    assert isinstance(event, Untrue)
    assert (event.symbol, event.reason) == ("BTC/USDT", reason)
    assert isinstance(said(dialect, okx(8))[0], Tick)


def test_a_side_that_is_null_is_empty(dialect: Okx) -> None:
    push = orjson.loads(okx())
    push["data"][0]["bids"] = None
    assert said(dialect, dumped(push)) == [Untrue("BTC/USDT", "one_sided")]


@pytest.mark.parametrize("native", ["BTC-USDT-SWAP", "BTC-USD-261225", "BTC-USD-220624-50000-C"])
@pytest.mark.parametrize("symbols", [[], ["BTC/USDT"]])
def test_derivatives_on_the_same_channel_are_no_spot_quotes(symbols: list[str], native: str) -> None:
    assert said(Okx(symbols), okx(native=native)) == [Ignored("bbo-tbt not spot")]


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (okx(bids=[["NaN", "1"]]), "bad_price"),
        (okx(asks=[["Infinity", "1"]]), "bad_price"),
        (okx(asks=[["-1", "1"]]), "bad_price"),
        (okx(asks=[[[], "1"]]), "bad_price"),
        (okx(asks=[["1", "nan"]]), "bad_size"),
        (okx(bids=[["1", "-2"]]), "bad_size"),
        (okx(bids=[["1"]]), "missing_field"),
        (okx(bids="none"), "missing_field"),
        (okx(-1), "bad_sequence"),
        (okx(2**63), "bad_sequence"),
        (okx("x"), "bad_sequence"),
        (okx(ts="1749044565"), "bad_time"),
        (okx(ts="1749044565306000"), "bad_time"),
        (okx(ts=str(TS + 2 * 86_400_000)), "bad_time"),
        (okx(ts=None), "bad_time"),
        (okx(ts=""), "bad_time"),
        (okx(native="DOGE-USDT"), "unknown_symbol"),
        (dumped({"arg": {"channel": "bbo-tbt", "instId": "BTC-USDT"}, "data": []}), "missing_field"),
        (dumped({"arg": {"channel": "bbo-tbt", "instId": "BTC-USDT"}, "data": [5]}), "missing_field"),
        (dumped({"arg": {"channel": "bbo-tbt", "instId": "BTC-USDT"}, "data": [{"asks": []}]}), "missing_field"),
        (dumped({"arg": {"channel": "bbo-tbt"}, "data": [{}]}), "missing_field"),
        (dumped({"arg": {"instId": "BTC-USDT"}}), "unknown_frame"),
        (dumped({"arg": []}), "unknown_frame"),
        (b"{}", "unknown_frame"),
        (b"pon", "malformed"),
        (b"[]", "not_an_object"),
        (b"\x80", "not_utf8"),
    ],
)
def test_what_okx_does_not_document_is_a_bad_frame(dialect: Okx, frame: bytes, reason: str) -> None:
    with pytest.raises(BadFrame) as caught:
        dialect.decode(frame, NOW_NS)
    assert caught.value.reason == reason
    assert only_tick(dialect, okx(0)).sequence_id == 0


SUBSCRIBED = b'{"id":"b1","event":"subscribe","arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"connId":"a4d3ae55"}'
UPGRADE = b'{"event":"notice","code":"64008","msg":"The connection will soon be closed","connId":"a4"}'


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        (b"pong", Ignored("pong")),
        (b"pong\n", Ignored("pong")),
        (SUBSCRIBED, Acknowledged(("BTC/USDT",))),
        (SUBSCRIBED.replace(b"bbo-tbt", b"tickers"), Acknowledged()),
        (b'{"event":"unsubscribe","arg":{"channel":"bbo-tbt","instId":"ETH-USDT"}}', Ignored("unsubscribe")),
        (
            b'{"event":"error","code":"60012","msg":"Illegal request: {..}","connId":"a4d3ae55"}',
            Refused(None, "60012 Illegal request: {..}"),
        ),
        (
            b'{"event":"error","code":"60018","msg":"channel:bbo-tbt,instId:ETH-USDT doesn\'t exist","connId":"a"}',
            Refused("ETH/USDT", "60018 channel:bbo-tbt,instId:ETH-USDT doesn't exist"),
        ),
        (UPGRADE, Goodbye("64008 The connection will soon be closed")),
        (UPGRADE.replace(b"64008", b"64009"), Ignored("notice")),
        (b'{"event":"channel-conn-count","channel":"bbo-tbt","connCount":"2"}', Ignored("channel-conn-count")),
        (b'{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"bidPx":"1","askPx":"2"}]}', Ignored("tickers")),
        (okx().replace(b"bbo-tbt", b"books5"), Ignored("books5")),
    ],
)
def test_other_frames_are_told_by_their_kind(dialect: Okx, frame: bytes, event: Event) -> None:
    assert said(dialect, frame) == [event]


def test_requests_name_every_instrument_once_within_64_kb() -> None:
    symbols = [f"{number:A>20}/{'Q' * 10}" for number in range(Okx.max_symbols)]
    requests = [orjson.loads(request) for request in Okx(symbols).subscribe()]
    args = [arg for request in requests for arg in request["args"]]
    assert [arg["instId"] for arg in args] == [symbol.replace("/", "-") for symbol in symbols]
    assert {arg["channel"] for arg in args} == {"bbo-tbt"}
    assert len(orjson.dumps(args)) <= 65_536
    assert len(requests) < 480
