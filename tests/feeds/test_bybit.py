from typing import Any

import orjson
import pytest

from core.errors import BadFrame
from core.feeds.dialects.bybit import ASK_AGAIN, Bybit
from core.feeds.venue import Acknowledged, Event, Ignored, Refused, Reply, Untrue
from core.tick import Tick
from tests.feeds.samples import NOW_NS, TS, bybit, dumped, only_tick, said

REAL = (
    b'{"topic":"orderbook.1.ETHUSDT","ts":1785136396195,"type":"snapshot","data":{"s":"ETHUSDT",'
    b'"b":[["1969.52","7.97197"]],"a":[["1969.53","8.54126"]],"u":22742692,"seq":177623257056},"cts":1785136396187}'
)
GAP = Untrue("BTC/USDT", "gap")


@pytest.fixture
def dialect() -> Bybit:
    return Bybit(["BTC/USDT", "ETH/USDT"])


def quote(event: Event) -> tuple[float, float, float, float]:
    assert isinstance(event, Tick)
    return event.bid_price, event.bid_volume, event.ask_price, event.ask_volume


def asked(events: list[Event]) -> list[list[str]]:
    """Return the topics of each subscription among the replies."""
    messages = [orjson.loads(event.frame) for event in events if isinstance(event, Reply)]
    return [message["args"] for message in messages if message["op"] == "subscribe"]


def answer(request: str, why: str = "", **fields: object) -> bytes:
    said = {"success": not why, "ret_msg": why or "subscribe", "conn_id": "c1", "op": "subscribe"}
    return dumped(said | {"req_id": orjson.loads(request)["req_id"]} | fields)


def test_a_snapshot_is_a_quote_with_the_time_of_the_matching_engine(dialect: Bybit) -> None:
    expected = Tick(
        "bybit", "ETH/USDT", 1969.52, 1969.53, 7.97197, 8.54126, 1785136396187, 22742692, received_ns=NOW_NS
    )
    assert only_tick(dialect, REAL) == expected
    assert only_tick(Bybit([]), REAL) == expected


def test_old_frames_have_the_time_of_publishing_only_and_may_quote_it(dialect: Bybit) -> None:
    old = orjson.loads(REAL)
    del old["cts"]
    assert only_tick(dialect, dumped(old | {"ts": str(TS)})).timestamp == TS


def test_numbers_rows_and_field_order_may_differ(dialect: Bybit) -> None:
    frame = bybit("8", b=[[100, "1.5", "extra"]], a=[["1.01E2", 2, 0, "x"]], new=None)
    assert quote(only_tick(dialect, frame)) == (100.0, 1.5, 101.0, 2.0)
    turned = dict(reversed(orjson.loads(bybit(9)).items()))
    assert only_tick(dialect, dumped(turned)).sequence_id == 9


def test_the_idle_repeat_is_no_tick_and_a_late_frame_is_old(dialect: Bybit) -> None:
    events = said(dialect, bybit(7), bybit(7), bybit(6), bybit(90))
    assert events[1:3] == [Ignored("repeat"), Ignored("old")]
    assert isinstance(events[3], Tick)  # ids of snapshots may jump


def test_id_one_is_a_restart_and_its_repeat_is_a_repeat(dialect: Bybit) -> None:
    events = said(dialect, bybit(7), bybit(1, b=[["99", "1"]]), bybit(1), bybit(2))
    assert [quote(events[1])[0], events[2], quote(events[3])[0]] == [99.0, Ignored("repeat"), 100.5]
    whole = said(dialect, bybit(1, kind="delta", b=[["98", "1"]], a=[["99", "1"]]))  # also under this name
    assert quote(whole[0]) == (98.0, 1.0, 99.0, 1.0)


@pytest.mark.parametrize(
    ("b", "a", "expected"),
    [
        ([["100.5", "9"]], [], (100.5, 9.0, 100.6, 3.0)),
        ([], [["100.6", "9"]], (100.5, 2.0, 100.6, 9.0)),
        ([["100.4", "4"], ["100.5", "0"]], [], (100.4, 4.0, 100.6, 3.0)),
        ([["100.5", "0"], ["100.4", "4"]], [], (100.4, 4.0, 100.6, 3.0)),
        ([["100.55", "4"], ["100.5", "0"]], [["100.7", "5"], ["100.6", 0]], (100.55, 4.0, 100.7, 5.0)),
        ([["100.55", "4"]], [], (100.55, 4.0, 100.6, 3.0)),  # better, and the old one not deleted
        ([["100.3", "0"]], [], (100.5, 2.0, 100.6, 3.0)),  # deletes what we never had
        ([], [], (100.5, 2.0, 100.6, 3.0)),
    ],
)
def test_a_delta_changes_only_what_it_names(dialect: Bybit, b: object, a: object, expected: object) -> None:
    events = said(dialect, bybit(7), bybit(8, kind="delta", b=b, a=a))
    assert quote(events[1]) == expected


def test_a_side_that_a_delta_empties_is_untrue_until_another_fills_it(dialect: Bybit) -> None:
    events = said(
        dialect,
        bybit(7),
        bybit(8, kind="delta", b=[["100.5", "0"]], a=[]),
        bybit(9, kind="delta", b=[["100.2", "1"]], a=[]),
    )
    assert events[1] == Untrue("BTC/USDT", "one_sided")
    assert quote(events[2]) == (100.2, 1.0, 100.6, 3.0)


def test_a_delta_before_any_snapshot_is_a_gap_that_asks_for_one(dialect: Bybit) -> None:
    events = said(dialect, bybit(8, kind="delta"))
    assert events[0] == GAP
    assert asked(events) == [["orderbook.1.BTCUSDT"]]


def test_a_hole_between_deltas_is_untrue_until_the_snapshot_that_it_asks_for(dialect: Bybit) -> None:
    events = said(dialect, bybit(7), bybit(8, kind="delta"), bybit(10, kind="delta"))
    assert isinstance(events[1], Tick)
    assert events[2] == GAP
    leave, ask = (orjson.loads(event.frame) for event in events[3:] if isinstance(event, Reply))
    assert (leave["op"], leave["args"]) == ("unsubscribe", ["orderbook.1.BTCUSDT"])
    assert (ask["op"], ask["args"]) == ("subscribe", ["orderbook.1.BTCUSDT"])
    assert said(dialect, bybit(11, kind="delta"), bybit(12, kind="delta")) == [GAP, GAP]  # asked once
    assert isinstance(said(dialect, bybit(9))[0], Tick)  # any snapshot is the truth
    assert isinstance(said(dialect, bybit(10, kind="delta"))[0], Tick)


def test_a_snapshot_that_never_comes_is_asked_for_again(dialect: Bybit) -> None:
    events = said(dialect, bybit(7), *(bybit(number, kind="delta") for number in range(9, 9 + ASK_AGAIN + 1)))
    assert len(asked(events)) == 2


def test_a_repeated_or_late_delta_is_no_gap(dialect: Bybit) -> None:
    events = said(dialect, bybit(7), bybit(8, kind="delta"), bybit(8, kind="delta"), bybit(7, kind="delta"))
    assert events[2:] == [Ignored("repeat"), Ignored("old")]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"b": []}, "one_sided"),
        ({"a": []}, "one_sided"),
        ({"b": [], "a": []}, "one_sided"),
        ({"a": [["0", "0"]]}, "one_sided"),
        ({"a": [["", ""]]}, "one_sided"),
        ({"b": [["100", "0"]]}, "zero_size"),
        ({"b": [["100", ""]]}, "zero_size"),
    ],
)
def test_half_a_snapshot_is_no_quote(dialect: Bybit, fields: dict[str, Any], reason: str) -> None:
    (event,) = said(dialect, bybit(**fields))
    assert isinstance(event, Untrue)
    assert event.reason == reason


def test_a_side_that_is_null_is_empty(dialect: Bybit) -> None:
    frame = orjson.loads(bybit())
    frame["data"]["b"] = None
    assert said(dialect, dumped(frame)) == [Untrue("BTC/USDT", "one_sided")]


def test_of_an_unsorted_snapshot_the_best_prices_count(dialect: Bybit) -> None:
    frame = bybit(b=[["99", "1"], ["100", "2"]], a=[["102", "1"], ["101", "2"]])
    assert quote(only_tick(dialect, frame)) == (100.0, 2.0, 101.0, 2.0)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (bybit(b=[["nan", "1"]]), "bad_price"),
        (bybit(a=[["inf", "1"]]), "bad_price"),
        (bybit(a=[["-1", "1"]]), "bad_price"),
        (bybit(a=[["x", "1"]]), "bad_price"),
        (bybit(a=[["1", "NaN"]]), "bad_size"),
        (bybit(a=[["1", "-1"]]), "bad_size"),
        (bybit(a=[["1"]]), "missing_field"),
        (bybit(a=[[]]), "missing_field"),
        (bybit(a=["1", "2"]), "missing_field"),
        (bybit(a="12"), "missing_field"),
        (bybit(-5), "bad_sequence"),
        (bybit(2**64), "bad_sequence"),
        (bybit("x"), "bad_sequence"),
        (bybit(cts=TS // 1000), "bad_time"),  # seconds
        (bybit(cts=TS * 1000), "bad_time"),  # microseconds
        (bybit(cts=TS + 2 * 86_400_000), "bad_time"),  # the day after tomorrow
        (bybit(cts="soon"), "bad_time"),
        (bybit(ts=0, cts=None), "bad_time"),
        (bybit(type="else"), "unknown_frame"),
        (bybit(native="DOGEUSDT"), "unknown_symbol"),
        (bybit(topic="orderbook.1.ETHUSDT"), "unknown_symbol"),  # of another symbol than its topic
        (dumped({"topic": "orderbook.1.BTCUSDT", "ts": TS, "type": "snapshot"}), "missing_field"),
        (dumped({"topic": "orderbook.1.BTCUSDT", "ts": TS, "type": "snapshot", "data": {"u": 1}}), "missing_field"),
        (dumped({"topic": 5}), "unknown_frame"),
        (dumped({"success": True}), "unknown_frame"),
        (b"pong", "malformed"),
        (b'"x"', "not_an_object"),
        (b"\xff\xfe", "not_utf8"),
    ],
)
def test_what_bybit_does_not_document_is_a_bad_frame(dialect: Bybit, frame: bytes, reason: str) -> None:
    with pytest.raises(BadFrame) as caught:
        dialect.decode(frame, NOW_NS)
    assert caught.value.reason == reason
    assert only_tick(dialect, bybit(1)).sequence_id == 1


def test_a_bad_delta_leaves_a_hole_that_the_next_one_shows(dialect: Bybit) -> None:
    said(dialect, bybit(7))
    with pytest.raises(BadFrame):
        dialect.decode(bybit(8, kind="delta", b=[["nan", "1"]]), NOW_NS)
    assert said(dialect, bybit(9, kind="delta"))[0] == GAP


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        (b'{"success":true,"ret_msg":"pong","conn_id":"c","op":"ping"}', Ignored("pong")),
        (b'{"op":"pong","args":["1"],"conn_id":"c"}', Ignored("pong")),
        (b'{"success":true,"ret_msg":"","conn_id":"c","req_id":"u1","op":"unsubscribe"}', Ignored("unsubscribe")),
        (b'{"success":false,"ret_msg":"no","conn_id":"c","op":"unsubscribe"}', Ignored("unsubscribe")),
        (b'{"success":false,"ret_msg":"Invalid op","op":"auth"}', Refused(None, "Invalid op")),
        (b'{"success":true,"ret_msg":"subscribe","conn_id":"d9-d0","req_id":"zz","op":"subscribe"}', Acknowledged()),
        (b'{"topic":"publicTrade.BTCUSDT","ts":1,"type":"snapshot","data":[{"p":"1"}]}', Ignored("publicTrade")),
        (b'{"topic":"orderbook.50.BTCUSDT","type":"delta","data":{}}', Ignored("orderbook.50")),
        (bybit(topic="orderbook.50.BTCUSDT"), Ignored("orderbook.50")),
        (b'{"topic":"tickers.BTCUSDT","data":{}}', Ignored("tickers")),
    ],
)
def test_other_frames_are_told_by_their_kind(dialect: Bybit, frame: bytes, event: object) -> None:
    assert said(dialect, frame) == [event]


def test_a_request_holds_at_most_ten_topics_and_its_answer_names_their_symbols() -> None:
    dialect = Bybit([f"C{number}/USDT" for number in range(25)])
    requests = list(dialect.subscribe())
    assert [len(orjson.loads(request)["args"]) for request in requests] == [10, 10, 5]
    assert said(dialect, answer(requests[2])) == [Acknowledged(tuple(f"C{number}/USDT" for number in range(20, 25)))]


def test_the_args_of_the_longest_symbols_fit_into_one_connection() -> None:
    symbols = [f"{number:A>20}/{'Q' * 10}" for number in range(Bybit.max_symbols)]
    args = [topic for request in Bybit(symbols).subscribe() for topic in orjson.loads(request)["args"]]
    assert len(orjson.dumps(args)) <= 21_000


@pytest.mark.parametrize("with_id", [True, False])
def test_a_bad_topic_is_refused_alone_and_the_others_are_asked_for_again(with_id: bool) -> None:
    dialect = Bybit(["BTC/USDT", "NOPE/USDT", "ETH/USDT"])
    (request,) = dialect.subscribe()
    why = "error:handler not found,topic:orderbook.1.NOPEUSDT"
    frame = answer(request, why) if with_id else answer(request, why, req_id=None)
    events = said(dialect, frame)
    assert events[0] == Refused("NOPE/USDT", why)
    assert asked(events) == [["orderbook.1.BTCUSDT", "orderbook.1.ETHUSDT"]]


def test_a_refusal_that_names_no_topic_is_bisected_to_the_bad_ones() -> None:
    symbols = [f"C{number}/USDT" for number in range(10)]
    bad = {"orderbook.1.C3USDT", "orderbook.1.C8USDT"}
    dialect = Bybit(symbols)
    waiting, sent = list(dialect.subscribe()), 0
    refused: list[str | None] = []
    accepted: list[str] = []
    while waiting:
        request, sent = waiting.pop(), sent + 1
        failed = bad & set(orjson.loads(request)["args"])
        for event in said(dialect, answer(request, "error:invalid" if failed else "")):
            match event:
                case Reply(frame):
                    waiting.append(frame)
                case Refused(symbol, _):
                    refused.append(symbol)
                case Acknowledged(names):
                    accepted.extend(names)
    assert sorted(map(str, refused)) == ["C3/USDT", "C8/USDT"]
    assert sorted([*accepted, "C3/USDT", "C8/USDT"]) == symbols
    assert sent <= 20


def test_being_subscribed_already_is_no_trouble() -> None:
    dialect = Bybit(["BTC/USDT", "ETH/USDT"])
    (request,) = dialect.subscribe()
    events = said(dialect, answer(request, "error:already subscribed,topic:orderbook.1.BTCUSDT"))
    assert events[0] == Acknowledged(("BTC/USDT",))
    assert asked(events) == [["orderbook.1.ETHUSDT"]]
