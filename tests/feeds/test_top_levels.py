"""Top levels as the venues send them: what is asked, what stands in a frame, and what is none."""

import json
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from core.depth import Depth, Level
from core.errors import BadFrame
from core.feeds.catalogue import dialect, own, top_levels
from core.feeds.top_levels import TopLevels, keeping
from core.feeds.venue import Acknowledged, Event, Goodbye, Ignored, Refused, Reply
from core.sim.depth import Book, DepthServer
from core.sim.dialect import Wire
from core.sim.roster import depth_server, server
from tests.feeds.protobuf import message as protobuf
from tests.feeds.samples import FRAMES, dumped

NOW_NS = 1_790_300_000_000_000_000
NOW_MS = NOW_NS // 10**6
SYMBOLS = ("BTC/USDT", "TRX/USDT")
CHANGES_ONLY = {"bybit", "coinbase", "kraken", "bitfinex"}
ONE_CHANNEL = {"bithumb", "bitstamp"}  # depth is the channel of the ticks: the simulated venues do not tell them apart
SPEAKING = sorted(set(own()) - CHANGES_ONLY)
SIMULATED = [name for name in SPEAKING if name not in ONE_CHANNEL]
BIDS: tuple[Level, ...] = ((100.5, 2.0), (100.4, 1.5), (100.2, 7.25))
ASKS: tuple[Level, ...] = ((100.6, 3.0), (100.7, 0.5), (101.0, 12.0))

each_venue = pytest.mark.parametrize("name", SPEAKING)
each_simulated = pytest.mark.parametrize("name", SIMULATED)


def speaking(name: str, symbols: Sequence[str] = SYMBOLS, levels: int = 5) -> TopLevels[Any]:
    found = top_levels(name)
    assert found is not None
    return keeping(found, levels)(symbols)


def frame(said: Wire) -> bytes:
    return said.encode() if isinstance(said, str) else said


def simulated(name: str, symbols: Sequence[str] = SYMBOLS) -> DepthServer:
    found = depth_server(name)
    assert found is not None
    return found(server(name)(symbols))


def requests(name: str, speaker: TopLevels[Any]) -> list[str]:
    """Return all that it asks for on a new connection."""
    asked = list(speaker.subscribe())
    for greeting in server(name)(SYMBOLS).greet("a4d3ae55"):
        asked += [event.frame for event in speaker.decode(frame(greeting), NOW_NS) if isinstance(event, Reply)]
    return asked


def heard(speaker: TopLevels[Any], said: bytes) -> Depth:
    (event,) = speaker.decode(said, NOW_NS)
    assert isinstance(event, Depth), event
    return event


def test_a_venue_either_sends_top_levels_whole_or_says_why_there_are_none() -> None:
    assert {name for name in own() if top_levels(name) is None} == CHANGES_ONLY
    assert {dialect(name).no_depth for name in CHANGES_ONLY} == {"it sends changes of its book only"}
    assert {name for name in own() if depth_server(name) is None} == CHANGES_ONLY | ONE_CHANNEL


# -- word for word

HTX = {"ch": "market.btcusdt.mbp.refresh.5", "ts": 1573199608679}
FRAMES_OF: dict[str, tuple[str, bytes, int]] = {
    "binance": (
        "BTC/USDT",
        b'{"stream":"btcusdt@depth5@100ms","data":{"lastUpdateId":50093239212,"bids":[["61837.63000000",'
        b'"3.78826000"],'
        b'["61837.60000000","0.10000000"]],"asks":[["61837.64000000","1.54698000"],["61838.00000000",'
        b'"2.00000000"]]}}',
        NOW_MS,
    ),
    "okx": (
        "BTC/USDT",
        b'{"arg":{"channel":"books5","instId":"BTC-USDT"},"data":[{"asks":[["61837.64","1.54698","0","5"],'
        b'["61838.0","2","0","1"]],"bids":[["61837.63","3.78826","0","19"],["61837.6","0.1","0","2"]],'
        b'"instId":"BTC-USDT",'
        b'"ts":"1749044565306","seqId":55729075884}]}',
        1749044565306,
    ),
    "bitget": (
        "BTC/USDT",
        b'{"action":"snapshot","arg":{"instType":"SPOT","channel":"books5","instId":"BTCUSDT"},"data":[{'
        b'"asks":[["61837.64","1.54698"],["61838.00","2"]],"bids":[["61837.63","3.78826"],["61837.60","0.1"]],'
        b'"checksum":0,"seq":451057506670,"ts":"1730332859984"}],"ts":1730332859985}',
        1730332859984,
    ),
    "gate": (
        "BTC/USDT",
        b'{"time":1691757151,"time_ms":1691757151420,"channel":"spot.order_book","event":"update","result":{'
        b'"t":1691757151367,"lastUpdateId":14604776153,"s":"BTC_USDT","bids":[["61837.63",'
        b'"3.78826"],["61837.6","0.1"]],'
        b'"asks":[["61837.64","1.54698"],["61838","2"]]}}',
        1691757151367,
    ),
    "kucoin": (
        "BTC/USDT",
        b'{"topic":"/spotMarket/level2Depth5:BTC-USDT","type":"message","subject":"level2","data":{'
        b'"asks":[["61837.64","1.54698"],["61838","2"]],"bids":[["61837.63","3.78826"],["61837.6","0.1"]],'
        b'"timestamp":1712231142085}}',
        1712231142085,
    ),
    "upbit": (
        "BTC/KRW",
        b'{"type":"orderbook","code":"KRW-BTC","timestamp":1790134742106,"orderbook_units":[{"ask_price":61837.64,'
        b'"bid_price":61837.63,"ask_size":1.54698,"bid_size":3.78826},{"ask_price":6.1838E4,"bid_price":61837.6,'
        b'"ask_size":2,"bid_size":1E-1},{"ask_price":0,"bid_price":0,"ask_size":0,"bid_size":0}],'
        b'"stream_type":"SNAPSHOT","level":0}',
        1790134742106,
    ),
    "bithumb": (
        "BTC/KRW",
        b'{"type":"orderbook","code":"KRW-BTC","orderbook_units":[{"ask_price":61837.64,"bid_price":61837.63,'
        b'"ask_size":1.54698,"bid_size":3.78826},{"ask_price":61837.7,"bid_price":61837.6,"ask_size":0.0000,'
        b'"bid_size":0.1},{"ask_price":61838,"bid_price":61837.5,"ask_size":2,"bid_size":0}],"level":1,'
        b'"timestamp":1790133505546514,"stream_type":"SNAPSHOT"}',
        1790133505546,
    ),
    "htx": (
        "BTC/USDT",
        dumped(
            HTX
            | {
                "tick": {
                    "seqNum": 100020142010,
                    "bids": [[61837.63, 3.78826], [61837.6, 0.1]],
                    "asks": [[61837.64, 1.54698], [61838, 2]],
                }
            }
        ),
        1573199608679,
    ),
    "bitstamp": (
        "BTC/USD",
        b'{"data":{"timestamp":"1641343691","microtimestamp":"1641343691244908","bids":[["61837.63","3.78826"],'
        b'["61837.60","0.10000000"]],"asks":[["61837.64","1.54698"],["61838","2.00000000"]]},'
        b'"channel":"order_book_btcusd","event":"data"}',
        1641343691244,
    ),
    "cryptocom": (
        "BTC/USDT",
        b'{"id":-1,"method":"subscribe","code":0,"result":{"instrument_name":"BTC_USDT","subscription":'
        b'"book.BTC_USDT.10","channel":"book","depth":10,"data":[{"asks":[["61837.64","1.54698","2"],["61838",'
        b'"2","1"]],'
        b'"bids":[["61837.63","3.78826","2"],["61837.6","0.1","1"]],"t":1790114273395,"tt":1790114273346,'
        b'"u":375554806244928,'
        b'"cs":-1183713967}]}}',
        1790114273346,
    ),
    "deribit": (
        "BTC/USDC",
        b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.BTC_USDC.none.10.100ms","data":{'
        b'"timestamp":1765541767174,"instrument_name":"BTC_USDC","change_id":109615,"bids":[[61837.63,3.78826],'
        b'[61837.6,0.1]],"asks":[[61837.64,1.54698],[61838.0,2.0]]}}}',
        1765541767174,
    ),
    "hyperliquid": (
        "PURR/USDC",
        b'{"channel":"l2Book","data":{"coin":"PURR/USDC","time":1750948919838,"levels":[['
        b'{"px":"61837.63","sz":"3.78826","n":1},{"px":"61837.6","sz":"0.1","n":1}],['
        b'{"px":"61837.64","sz":"1.54698","n":1},{"px":"61838.0","sz":"2.0","n":3}]]}}',
        1750948919838,
    ),
}


SIDES = [(1, "61837.64", "1.54698"), (1, "61838", "2"), (2, "61837.63", "3.78826"), (2, "61837.6", "0.1")]
BODY = b"".join(protobuf({side: protobuf({1: price, 2: size})}) for side, price, size in SIDES) + protobuf({4: "7"})
FRAMES_OF["mexc"] = (
    "BTC/USDT",
    protobuf({1: "spot@public.limit.depth.v3.api.pb@BTCUSDT@5", 3: "BTCUSDT", 6: 1782208005090, 303: BODY}),
    1782208005090,
)


@each_venue
def test_a_documented_frame_is_its_levels_best_first(name: str) -> None:
    symbol, said, when_ms = FRAMES_OF[name]
    assert heard(speaking(name, [symbol]), said) == Depth(
        name,
        symbol,
        ((61837.63, 3.78826), (61837.6, 0.1)),
        ((61837.64, 1.54698), (61838.0, 2.0)),
        when_ms,
        NOW_NS,
    )


def test_every_frame_of_htx_is_gzip() -> None:
    symbol, said, _ = FRAMES_OF["htx"]
    packer = zlib.compressobj(wbits=31)
    assert heard(speaking("htx", [symbol]), packer.compress(said) + packer.flush()).symbol == symbol


REQUESTS: dict[str, list[Any]] = {
    "binance": [{"method": "SUBSCRIBE", "params": ["btcusdt@depth5@100ms", "trxusdt@depth5@100ms"], "id": 1}],
    "okx": [
        {
            "op": "subscribe",
            "args": [{"channel": "books5", "instId": "BTC-USDT"}, {"channel": "books5", "instId": "TRX-USDT"}],
        }
    ],
    "gate": [
        {"time": 0, "channel": "spot.order_book", "event": "subscribe", "payload": [pair, "5", "100ms"]}
        for pair in ("BTC_USDT", "TRX_USDT")
    ],
    "upbit": [
        [{"ticket": "arbdesk"}, {"type": "orderbook", "codes": ["USDT-BTC.5", "USDT-TRX.5"]}, {"format": "DEFAULT"}]
    ],
    "htx": [{"sub": f"market.{name}.mbp.refresh.5", "id": name} for name in ("btcusdt", "trxusdt")],
    "mexc": [
        {
            "method": "SUBSCRIPTION",
            "params": [f"spot@public.limit.depth.v3.api.pb@{name}@5" for name in ("BTCUSDT", "TRXUSDT")],
        }
    ],
    "cryptocom": [
        {
            "id": 1,
            "method": "subscribe",
            "params": {
                "channels": ["book.BTC_USDT.10", "book.TRX_USDT.10"],
                "book_subscription_type": "SNAPSHOT",
                "book_update_frequency": 500,
            },
            "nonce": 0,
        }
    ],
    "hyperliquid": [
        {"method": "subscribe", "subscription": {"type": "l2Book", "coin": coin}} for coin in ("BTC/USDT", "TRX/USDT")
    ],
}


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_a_request_is_as_its_venue_documents_it(name: str) -> None:
    asked = [json.loads(request) for request in speaking(name).subscribe()]
    for one in asked:
        if isinstance(one, dict):
            one.update({key: 0 for key in ("time", "nonce") if key in one})
    assert asked == REQUESTS[name]


@pytest.mark.parametrize(("wanted", "asked", "kept"), [(1, 5, 1), (5, 5, 5), (7, 10, 7), (20, 20, 20)])
def test_a_venue_is_asked_for_as_few_levels_as_it_can_send_that_are_enough(wanted: int, asked: int, kept: int) -> None:
    speaker = speaking("binance", levels=wanted)
    assert f"btcusdt@depth{asked}@100ms" in next(iter(speaker.subscribe()))
    rows = [[str(100 - at), "1"] for at in range(20)]
    data = {"lastUpdateId": 1, "bids": rows, "asks": []}
    depth = heard(speaker, dumped({"stream": f"btcusdt@depth{asked}@100ms", "data": data}))
    assert (len(depth.bids), depth.bids[0], depth.asks) == (kept, (100.0, 1.0), ())
    assert speaking("okx", levels=20).asked == 5  # and else its most


# -- recorded


def test_recorded_books_of_gate_and_upbit_are_read() -> None:
    found: dict[str, list[Depth]] = {}
    for name in ("gate", "upbit"):
        speaker, depths = speaking(name, ()), found.setdefault(name, [])
        for line in (FRAMES / f"{name}.jsonl").read_text().splitlines():
            depths += [one for one in speaker.decode(json.loads(line)["raw"].encode(), 0) if isinstance(one, Depth)]
    (gate,) = found["gate"]
    assert gate.symbol == "BTC/USDT"
    assert gate.bids[0] == (29426.3, 1.12547)
    assert gate.asks[4] == (29426.8, 1.0)
    assert len(found["upbit"]) == 72
    assert found["upbit"][0].asks[:2] == ((127.0, 280460.37885666), (128.0, 502824.98156754))


# -- with a simulated venue


@each_simulated
def test_what_is_asked_for_is_accepted_and_read_as_it_was_written(name: str) -> None:
    speaker, venue = speaking(name), simulated(name)
    accepted, added = set[str](), dict[str, int]()
    for request in requests(name, speaker):
        answer = venue.answer(request, "a4d3ae55")
        if answer is None:  # the request that turns heartbeats on
            continue
        added |= answer.added
        for reply in answer.replies:
            for event in speaker.decode(frame(reply), NOW_NS):
                accepted |= set(event.symbols) if isinstance(event, Acknowledged) else set()
    assert added == dict.fromkeys(SYMBOLS, speaker.asked)
    assert accepted == (set() if name == "upbit" else set(SYMBOLS))  # its first data is the answer
    for symbol in SYMBOLS:
        said = venue.frame(Book(symbol, BIDS, ASKS, 7_000_000_001, NOW_MS - 3), speaker.asked)
        depth = heard(speaker, frame(said))
        assert (depth.venue, depth.symbol, depth.bids, depth.asks) == (name, symbol, BIDS, ASKS)
        assert depth.received_ns == NOW_NS
        assert NOW_MS - depth.timestamp in (0, 3)  # Binance does not say when


@each_simulated
def test_a_request_for_ticks_is_not_taken_for_one_for_levels(name: str) -> None:
    speaker, venue = dialect(name)(SYMBOLS), simulated(name)
    asked = list(speaker.subscribe())
    for greeting in server(name)(SYMBOLS).greet("a4d3ae55"):
        asked += [event.frame for event in speaker.decode(frame(greeting), NOW_NS) if isinstance(event, Reply)]
    assert asked
    for request in (*asked, "ping", '{"method":"PING"}', "PING", "{}", "[]", "null"):
        assert venue.answer(request, "a4d3ae55") is None


@each_simulated
def test_an_unknown_symbol_is_refused_by_name_or_silent(name: str) -> None:
    speaker, venue = speaking(name, ("BTC/USDT", "NOPE/USDT")), simulated(name)
    said: list[Event] = []
    for request in requests(name, speaker):
        if (answer := venue.answer(request, "a4d3ae55")) is not None:
            assert "NOPE/USDT" not in answer.added
            said += [event for reply in answer.replies for event in speaker.decode(frame(reply), NOW_NS)]
    refused = {event.symbol for event in said if isinstance(event, Refused)}
    assert refused == (set() if name in ("binance", "kucoin", "upbit", "hyperliquid") else {"NOPE/USDT"})


@each_simulated
def test_the_same_picture_again_is_news_and_an_older_one_is_not(name: str) -> None:
    speaker, venue = speaking(name), simulated(name)

    def said(number: int) -> Event:
        book = Book("BTC/USDT", BIDS, ASKS, 7_000_000_000 + number, NOW_MS - 1000 + number)
        (event,) = speaker.decode(frame(venue.frame(book, speaker.asked)), NOW_NS)
        return event

    assert [type(said(number)) for number in (5, 5, 4, 6)] == [Depth, Depth, Ignored, Depth]


@each_simulated
def test_a_frame_cut_short_or_damaged_is_bad_or_says_nothing_impossible(name: str) -> None:
    speaker, venue = speaking(name), simulated(name)
    whole = frame(venue.frame(Book("BTC/USDT", BIDS, ASKS, 7_000_000_005, NOW_MS), speaker.asked))
    damaged = [whole[:end] for end in range(len(whole))]
    damaged += [whole[:at] + bytes([whole[at] ^ 0x15]) + whole[at + 1 :] for at in range(len(whole))]
    for one in damaged:
        with suppress(BadFrame):
            for event in speaker.decode(one, NOW_NS):
                if isinstance(event, Depth):
                    assert event.symbol in SYMBOLS
                    assert all(0 < number < 1e15 for level in (*event.bids, *event.asks) for number in level)


@each_venue
@pytest.mark.parametrize("said", [b"", b"null", b"5", b"[]", b"{}", b"\x00\xff", b'{"a":' * 9999])
def test_what_is_no_frame_of_any_venue_is_bad(name: str, said: bytes) -> None:
    with pytest.raises(BadFrame):
        speaking(name).decode(said, NOW_NS)


@pytest.mark.parametrize(
    ("name", "said", "event"),
    [
        ("binance", {"e": "serverShutdown", "E": 1}, Goodbye),
        ("binance", {"stream": "btcusdt@bookTicker", "data": {"u": 1, "s": "BTCUSDT"}}, Ignored),
        ("binance", {"code": 2, "msg": "Invalid request"}, Refused),
        ("okx", {"event": "notice", "code": "64008", "msg": "upgrade"}, Goodbye),
        ("okx", {"arg": {"channel": "books5", "instId": "BTC-USDT-SWAP"}, "data": [{}]}, Ignored),
        ("okx", {"arg": {"channel": "trades", "instId": "BTC-USDT"}, "data": [{}]}, Ignored),
        ("gate", {"channel": "spot.pong", "event": "", "result": None}, Ignored),
        ("hyperliquid", {"channel": "pong"}, Ignored),
        ("hyperliquid", {"channel": "l2Book", "data": {"coin": "BTC", "levels": [[], []], "time": 1}}, Ignored),
        ("deribit", {"method": "subscription", "params": {"channel": "trades.BTC_USDC.100ms", "data": []}}, Ignored),
    ],
)
def test_what_else_a_venue_says_is_understood(name: str, said: dict[str, Any], event: type[Event]) -> None:
    assert [type(one) for one in speaking(name).decode(dumped(said), NOW_NS)] == [event]
