"""What each venue documents, or was recorded saying, word for word: requests, answers, quotes, heartbeats, errors."""

import json
import zlib
from typing import Any

import orjson
import pytest

from core.errors import BadFrame
from core.feeds.book_dialect import BELOW
from core.feeds.catalogue import dialect
from core.feeds.venue import Acknowledged, Dialect, Event, Goodbye, Ignored, Refused, Reply, Untrue
from core.tick import Tick
from tests.feeds.protobuf import message as protobuf
from tests.feeds.samples import dumped

NOW_NS = 1_790_300_000_000_000_000  # after all of them, by less than a day for none: only the future is impossible
BTC_ETH = ("BTC/USDT", "ETH/USDT")

# What is sent to ask for two symbols, as the documents have it; `nonce` and `time` are the time, which nobody checks.
REQUESTS: dict[str, tuple[tuple[str, ...], list[Any]]] = {
    "coinbase": (
        ("BTC/USD", "ETH/USD"),
        [{"type": "subscribe", "product_ids": ["BTC-USD", "ETH-USD"], "channels": ["level2_batch", "heartbeat"]}],
    ),
    "kraken": (
        ("BTC/USD", "ETH/USD"),
        [{"method": "subscribe", "params": {"channel": "book", "symbol": ["BTC/USD", "ETH/USD"], "depth": 10}}],
    ),
    "gate": (
        BTC_ETH,
        [{"time": 0, "channel": "spot.book_ticker", "event": "subscribe", "payload": ["BTC_USDT", "ETH_USDT"]}],
    ),
    "bitget": (
        BTC_ETH,
        [
            {
                "op": "subscribe",
                "args": [
                    {"instType": "SPOT", "channel": "books1", "instId": "BTCUSDT"},
                    {"instType": "SPOT", "channel": "books1", "instId": "ETHUSDT"},
                ],
            }
        ],
    ),
    "kucoin": (BTC_ETH, []),  # not before it has said welcome
    "upbit": (
        ("BTC/KRW", "ETH/KRW"),
        [[{"ticket": "arbdesk"}, {"type": "orderbook", "codes": ["KRW-BTC.1", "KRW-ETH.1"]}, {"format": "DEFAULT"}]],
    ),
    "bithumb": (
        ("BTC/KRW", "ETH/BTC"),
        [[{"ticket": "arbdesk"}, {"type": "orderbook", "codes": ["KRW-BTC", "BTC-ETH"]}, {"format": "DEFAULT"}]],
    ),
    "htx": (BTC_ETH, [{"sub": "market.btcusdt.bbo", "id": "btcusdt"}, {"sub": "market.ethusdt.bbo", "id": "ethusdt"}]),
    "mexc": (
        BTC_ETH,
        [
            {
                "method": "SUBSCRIPTION",
                "params": [
                    "spot@public.aggre.bookTicker.v3.api.pb@10ms@BTCUSDT",
                    "spot@public.aggre.bookTicker.v3.api.pb@10ms@ETHUSDT",
                ],
            }
        ],
    ),
    "bitfinex": (
        ("BTC/USDT", "AVAX/USDT"),
        [
            {"event": "conf", "flags": 98304},
            {"event": "subscribe", "channel": "book", "symbol": "tBTCUST", "prec": "R0", "len": "25"},
            {"event": "subscribe", "channel": "book", "symbol": "tAVAX:UST", "prec": "R0", "len": "25"},
        ],
    ),
    "bitstamp": (
        ("BTC/USD", "ETH/USD"),
        [
            {"event": "bts:subscribe", "data": {"channel": "order_book_btcusd"}},
            {"event": "bts:subscribe", "data": {"channel": "order_book_ethusd"}},
        ],
    ),
    "cryptocom": (
        BTC_ETH,
        [
            {
                "id": 1,
                "method": "subscribe",
                "params": {
                    "channels": ["book.BTC_USDT.10", "book.ETH_USDT.10"],
                    "book_subscription_type": "SNAPSHOT_AND_UPDATE",
                    "book_update_frequency": 10,
                },
                "nonce": 0,
            }
        ],
    ),
    "deribit": (
        ("BTC/USDC", "ETH/USDC"),
        [
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "public/subscribe",
                "params": {"channels": ["quote.BTC_USDC", "quote.ETH_USDC"]},
            },
            {"jsonrpc": "2.0", "id": 0, "method": "public/set_heartbeat", "params": {"interval": 30}},
        ],
    ),
    "hyperliquid": (
        ("PURR/USDC", "UBTC/USDC"),
        [
            {"method": "subscribe", "subscription": {"type": "bbo", "coin": "PURR/USDC"}},
            {"method": "subscribe", "subscription": {"type": "bbo", "coin": "@142"}},
        ],
    ),
}


@pytest.mark.parametrize("venue", REQUESTS)
def test_a_venue_is_asked_in_its_own_words(venue: str) -> None:
    symbols, expected = REQUESTS[venue]
    speaker = dialect(venue)(symbols, {"UBTC/USDC": "@142"})
    asked = [orjson.loads(request) for request in speaker.subscribe()]
    for one in asked:
        if isinstance(one, dict):
            one.update(dict.fromkeys({"time", "nonce"} & set(one), 0))
    assert asked == expected


def quote(venue: str, symbol: str, bid: tuple[float, float], ask: tuple[float, float], ms: int, number: int) -> Tick:
    return Tick(venue, symbol, bid[0], ask[0], bid[1], ask[1], ms, number, NOW_NS)


HTX_PING = bytes.fromhex("1f8b0800000000000000ab562ac8cc4b57b2323433b43033b7303037363331ae0500e34806d216000000")
HTX_TOP = (
    b'{"ch":"market.btcusdt.bbo","ts":1671941599613,"tick":{"seqId":161499562790,"ask":16829.51,"askSize":0.707776,'
    b'"bid":16829.5,"bidSize":1.685945,"quoteTime":1671941599612,"symbol":"btcusdt"}}'
)
MEXC_TOP = protobuf(
    {
        1: "spot@public.aggre.bookTicker.v3.api.pb@10ms@BTCUSDT",
        3: "BTCUSDT",
        6: 1782208005090,
        315: protobuf({1: "62383.56", 2: "0.07956651", 3: "62383.57", 4: "0.09556"}),
    }
)
MEXC_CHANNELS = [f"spot@public.aggre.bookTicker.v3.api.pb@10ms@{name}" for name in ("BTCUSDT", "ETHUSDT")]
CDC_SNAPSHOT = (
    b'{"id":-1,"method":"subscribe","code":0,"result":{"instrument_name":"ETH_USD","subscription":"book.ETH_USD.10",'
    b'"channel":"book","depth":10,"data":[{"asks":[["2749.62","0.2008","2"]],"bids":[["2749.61","0.0786","2"]],'
    b'"t":1790114273395,"tt":1790114273346,"u":375554806244928,"cs":-1183713967}]}}'
)
CDC_DELTA = (
    b'{"id":-1,"code":0,"method":"subscribe","result":{"channel":"book.update","subscription":"book.DOGE_USDT.50",'
    b'"instrument_name":"DOGE_USDT","depth":50,"data":[{"update":{"asks":[["0.136338","1312","1"]],'
    b'"bids":[["0.116116","0","0"]]},"t":1667320303772,"tt":1667320303761,"u":41261686400,"pu":41261671840,'
    b'"cs":-807443798}]}}'
)

# venue, our symbols, a frame, what it says.
SAID: list[tuple[str, tuple[str, ...], bytes, list[Event]]] = [
    (
        "coinbase",
        ("BTC/USD",),
        b'{"type":"subscriptions","channels":[{"name":"level2_batch","product_ids":["BTC-USD"]},{"name":"heartbeat",'
        b'"product_ids":["BTC-USD"]}]}',
        [Acknowledged(("BTC/USD",))],
    ),
    (
        "coinbase",
        ("BTC/USD",),
        b'{"type":"error","message":"Failed to subscribe","reason":"level2 channel requires authentication"}',
        [Refused(None, "Failed to subscribe: level2 channel requires authentication")],
    ),
    ("coinbase", ("BTC/USD",), b'{"type":"heartbeat","sequence":1,"product_id":"BTC-USD"}', [Ignored("heartbeat")]),
    (
        "coinbase",
        ("SKL/BTC",),
        b'{"type":"l2update","product_id":"SKL-BTC","changes":[["sell","0.00001306","660.5"]],'
        b'"time":"2021-04-17T16:43:37.075687Z"}',
        [
            Untrue("SKL/BTC", "gap"),
            Reply('{"type":"unsubscribe","product_ids":["SKL-BTC"],"channels":["level2_batch","heartbeat"]}'),
            Reply('{"type":"subscribe","product_ids":["SKL-BTC"],"channels":["level2_batch","heartbeat"]}'),
        ],
    ),
    (
        "kraken",
        ("BTC/USD",),
        b'{"method":"subscribe","result":{"channel":"book","depth":10,"snapshot":true,"symbol":"BTC/USD"},'
        b'"success":true,"time_in":"2023-09-25T09:04:31.742599Z","time_out":"2023-09-25T09:04:31.742648Z","req_id":1}',
        [Acknowledged(("BTC/USD",))],
    ),
    (
        "kraken",
        ("BTC/USD", "BTC/FOO"),
        b'{"error":"Currency pair not supported BTC/FOO","method":"subscribe","success":false,"symbol":"BTC/FOO"}',
        [Refused("BTC/FOO", "Currency pair not supported BTC/FOO")],
    ),
    (
        "kraken",
        ("BTC/USD",),
        b'{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","api_version":"v2",'
        b'"connection_id":7974620515126709019}]}',
        [Ignored("status")],
    ),
    ("kraken", ("BTC/USD",), b'{"channel":"heartbeat"}', [Ignored("heartbeat")]),
    ("kraken", ("BTC/USD",), b'{"method":"pong","req_id":9,"time_in":"x","time_out":"y"}', [Ignored("pong")]),
    (
        "gate",
        BTC_ETH,
        b'{"time":1789456334,"time_ms":1789456334999,"id":7,"conn_id":"c59a69fd3702aa1d","trace_id":"..",'
        b'"channel":"spot.book_ticker","event":"subscribe","payload":["BTC_USDT","ETH_USDT"],'
        b'"result":{"status":"success"},"requestId":".."}',
        [Acknowledged(BTC_ETH)],
    ),
    (
        "gate",
        ("ETC/ETH",),
        b'{"time":1682689046,"time_ms":1682689046142,"channel":"spot.book_ticker","event":"update","result":'
        b'{"t":1682689046131,"u":517377894,"s":"ETC_ETH","b":"0.010326","B":"0.001","a":"0.010366","A":"10"}}',
        [quote("gate", "ETC/ETH", (0.010326, 0.001), (0.010366, 10.0), 1682689046131, 517377894)],
    ),
    (
        "gate",
        BTC_ETH,
        b'{"time":1,"time_ms":1,"conn_id":"x","channel":"spot.pong","event":"","result":null}',
        [Ignored("spot.pong")],
    ),
    (
        "bitget",
        BTC_ETH,
        b'{"event":"subscribe","arg":{"instType":"SPOT","channel":"books1","instId":"BTCUSDT"}}',
        [Acknowledged(("BTC/USDT",))],
    ),
    (
        "bitget",
        ("NOPE/USDT",),
        b'{"event":"error","arg":{"instType":"SPOT","channel":"books1","instId":"NOPEUSDT"},"code":30001,'
        b'"msg":"doesn\'t exist","op":"subscribe"}',
        [Refused("NOPE/USDT", "30001 doesn't exist")],
    ),
    (
        "bitget",
        ("BTC/USDC",),
        b'{"action":"snapshot","arg":{"instType":"SPOT","channel":"books1","instId":"BTCUSDC"},"data":[{"asks":'
        b'[["72377.25","0.00408"]],"bids":[["72354.67","1.16460"]],"checksum":0,"ts":"1730332859984"}],'
        b'"ts":1730332859985}',
        [quote("bitget", "BTC/USDC", (72354.67, 1.1646), (72377.25, 0.00408), 1730332859984, 1730332859984000)],
    ),
    (
        "bitget",
        BTC_ETH,
        b'{"action":"snapshot","arg":{"instType":"spot","topic":"books1","symbol":"BTCUSDT"},"data":[{"a":'
        b'[["76671.23","0.41581"]],"b":[["76671.22","0.531211"]],"checksum":0,"seq":451057506670,"pseq":0,'
        b'"ts":"1777358880105"}],"ts":1777358880106}',
        [quote("bitget", "BTC/USDT", (76671.22, 0.531211), (76671.23, 0.41581), 1777358880105, 451057506670)],
    ),
    ("bitget", BTC_ETH, b"pong", [Ignored("pong")]),
    (
        "kucoin",
        BTC_ETH,
        b'{"id":"x","type":"welcome"}',
        [
            Reply(
                '{"id":"1","type":"subscribe","topic":"/spotMarket/level1:BTC-USDT,ETH-USDT","privateChannel":false,'
                '"response":true}'
            )
        ],
    ),
    (
        "kucoin",
        BTC_ETH,
        b'{"id":"p28","type":"error","code":404,"data":"topic does not exist"}',
        [Refused(None, "404 topic does not exist")],
    ),
    ("kucoin", BTC_ETH, b'{"id":"9","type":"pong","timestamp":1}', [Ignored("pong")]),
    (
        "kucoin",
        BTC_ETH,
        b'{"topic":"/spotMarket/level1:ETH-USDT","type":"message","subject":"level1","data":{"asks":["3347.42",'
        b'"2.0778387"],"bids":["3347.41","6.0411697"],"timestamp":1712231142085}}',
        [quote("kucoin", "ETH/USDT", (3347.41, 6.0411697), (3347.42, 2.0778387), 1712231142085, 1712231142085000)],
    ),
    (
        "upbit",
        ("BTC/KRW",),
        b'{"type":"orderbook","code":"KRW-BTC","timestamp":1790134742106,"total_ask_size":2.51469375,"total_bid_size":'
        b'1.63815297,"orderbook_units":[{"ask_price":1.16539E8,"bid_price":1.16538E8,"ask_size":0.02054761,'
        b'"bid_size":0.08120946}],"stream_type":"SNAPSHOT","level":0}',
        [quote("upbit", "BTC/KRW", (116538000, 0.08120946), (116539000, 0.02054761), 1790134742106, 1790134742106000)],
    ),
    (
        "upbit",
        ("BTC/KRW",),
        b'{"ty":"orderbook","cd":"KRW-BTC","tms":1790134773006,"tas":0.48514983,"tbs":2.2403413,"obu":[{"ap":116606000,'
        b'"bp":116534000,"as":0.06288509,"bs":7.9276E-4}],"st":"SNAPSHOT","lv":0}',
        [quote("upbit", "BTC/KRW", (116534000, 0.00079276), (116606000, 0.06288509), 1790134773006, 1790134773006000)],
    ),
    ("upbit", ("BTC/KRW",), b'{"error":{"name":"NO_CODES","message":"x"}}', [Refused(None, "NO_CODES: x")]),
    ("upbit", ("BTC/KRW",), b'{"status":"UP"}', [Ignored("pong")]),
    (
        "bithumb",
        ("ETH/KRW",),
        b'{"type":"orderbook","code":"KRW-ETH","total_ask_size":369.9832,"total_bid_size":287.0216,"orderbook_units":'
        b'[{"ask_price":3715000,"bid_price":3714000,"ask_size":8.4592,"bid_size":3.012}],"level":1,'
        b'"timestamp":1790133505546514,"stream_type":"SNAPSHOT"}',
        [quote("bithumb", "ETH/KRW", (3714000, 3.012), (3715000, 8.4592), 1790133505546, 1790133505546514)],
    ),
    (
        "htx",
        BTC_ETH,
        b'{"id":"btcusdt","status":"ok","subbed":"market.btcusdt.bbo","ts":1489474081631}',
        [Acknowledged(("BTC/USDT",))],
    ),
    (
        "htx",
        ("NOPE/USDT",),
        b'{"status":"error","ts":1,"id":"nopeusdt","err-code":"bad-request",'
        b'"err-msg":"invalid topic market.nopeusdt.bbo"}',
        [Refused("NOPE/USDT", "bad-request invalid topic market.nopeusdt.bbo")],
    ),
    (
        "htx",
        BTC_ETH,
        HTX_TOP,
        [quote("htx", "BTC/USDT", (16829.5, 1.685945), (16829.51, 0.707776), 1671941599612, 161499562790)],
    ),
    ("htx", BTC_ETH, HTX_PING, [Reply('{"pong":1618678073643}'), Ignored("ping")]),
    (
        "mexc",
        BTC_ETH,
        dumped({"id": 0, "code": 0, "msg": ",".join(MEXC_CHANNELS)}),
        [Acknowledged(BTC_ETH)],
    ),
    (
        "mexc",
        BTC_ETH,
        dumped({"id": 0, "code": 0, "msg": f"Not Subscribed successfully! [{MEXC_CHANNELS[1]}]. Reason: Blocked!"}),
        [Refused("ETH/USDT", f"Not Subscribed successfully! [{MEXC_CHANNELS[1]}]. Reason: Blocked!")],
    ),
    ("mexc", BTC_ETH, b'{"id":0,"code":0,"msg":"PONG"}', [Ignored("pong")]),
    (
        "mexc",
        BTC_ETH,
        MEXC_TOP,
        [quote("mexc", "BTC/USDT", (62383.56, 0.07956651), (62383.57, 0.09556), 1782208005090, 1782208005090000)],
    ),
    ("mexc", BTC_ETH, protobuf({1: MEXC_CHANNELS[0], 3: "BTCUSDT", 6: 1782208005090}), [Ignored("no body")]),
    (
        "bitfinex",
        BTC_ETH,
        b'{"event":"info","version":2,"serverId":"083bd8d4-aca7-4690-a573-eabfc8103de8","platform":{"status":1}}',
        [Ignored("info")],
    ),
    (
        "bitfinex",
        ("NOPE/USDT",),
        b'{"channel":"book","symbol":"tNOPE:UST","prec":"R0","len":"25","event":"error","msg":"symbol: invalid",'
        b'"code":10300,"pair":"NOPE:UST"}',
        [Refused("NOPE/USDT", "10300 symbol: invalid")],
    ),
    ("bitfinex", BTC_ETH, b'{"event":"info","code":20051,"msg":"Stop/Restart"}', [Goodbye("20051 Stop/Restart")]),
    ("bitfinex", BTC_ETH, b'{"event":"pong","ts":1,"cid":1}', [Ignored("pong")]),
    (
        "bitstamp",
        ("BTC/USD",),
        b'{"event":"bts:subscription_succeeded","channel":"order_book_btcusd","data":{}}',
        [Acknowledged(("BTC/USD",))],
    ),
    (
        "bitstamp",
        ("BTC/USD",),
        b'{"event":"bts:error","channel":"","data":{"code":null,"message":"Invalid channel provided."}}',
        [Refused(None, "Invalid channel provided.")],
    ),
    (
        "bitstamp",
        ("BAT/EUR",),
        b'{"data":{"timestamp":"1641343691","microtimestamp":"1641343691244908","bids":[["1.15979","993.02588113"],'
        b'["1.14866","7758.51900928"]],"asks":[["1.16601","1200.00000000"]]},"channel":"order_book_bateur",'
        b'"event":"data"}',
        [quote("bitstamp", "BAT/EUR", (1.15979, 993.02588113), (1.16601, 1200.0), 1641343691244, 1641343691244908)],
    ),
    (
        "bitstamp",
        ("BTC/USD",),
        b'{"event":"bts:heartbeat","channel":"","data":{"status":"success"}}',
        [Ignored("bts:heartbeat")],
    ),
    (
        "bitstamp",
        ("BTC/USD",),
        b'{"event":"bts:request_reconnect","channel":"","data":""}',
        [Goodbye("it asks us to connect anew")],
    ),
    (
        "cryptocom",
        BTC_ETH,
        b'{"id":1,"method":"subscribe","code":0,"channel":"book.BTC_USDT.10"}',
        [Acknowledged(("BTC/USDT",))],
    ),
    (
        "cryptocom",
        ("NOPE/USDT",),
        b'{"id":1,"method":"subscribe","code":40003,"message":"Unknown symbol","channel":"book.NOPE_USDT.10"}',
        [Refused("NOPE/USDT", "40003 Unknown symbol")],
    ),
    (
        "cryptocom",
        ("ETH/USD",),
        CDC_SNAPSHOT,
        [quote("cryptocom", "ETH/USD", (2749.61, 0.0786), (2749.62, 0.2008), 1790114273346, 375554806244928)],
    ),
    (
        "cryptocom",
        BTC_ETH,
        b'{"id":17,"method":"public/heartbeat","code":0}',
        [Reply('{"id":17,"method":"public/respond-heartbeat"}'), Ignored("heartbeat")],
    ),
    (
        "cryptocom",
        BTC_ETH,
        CDC_SNAPSHOT.replace(b"ETH_USD", b"ETHUSD-PERP"),
        [Ignored("book not spot")],
    ),
    (
        "deribit",
        ("BTC/USDC",),
        b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"quote.BTC_USDC","data":{"timestamp":'
        b'1765541767174,"instrument_name":"BTC_USDC","best_ask_price":92288.5,"best_bid_price":92288.0,'
        b'"best_ask_amount":0.9947,"best_bid_amount":1.3344}}}',
        [quote("deribit", "BTC/USDC", (92288.0, 1.3344), (92288.5, 0.9947), 1765541767174, 1765541767174000)],
    ),
    (
        "deribit",
        ("BTC/USDC",),
        b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"quote.BTC-PERPETUAL","data":{"timestamp":'
        b'1765541767174,"instrument_name":"BTC-PERPETUAL","best_ask_price":92288.5,"best_bid_price":92288.0,'
        b'"best_ask_amount":99470.0,"best_bid_amount":133440.0}}}',
        [Ignored("quote not spot")],
    ),
    (
        "deribit",
        ("BTC/USDC",),
        b'{"params":{"type":"test_request"},"method":"heartbeat","jsonrpc":"2.0"}',
        [Reply('{"jsonrpc":"2.0","id":0,"method":"public/test","params":{}}'), Ignored("heartbeat")],
    ),
    (
        "hyperliquid",
        ("PURR/USDC",),
        b'{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"bbo",'
        b'"coin":"PURR/USDC"}}}',
        [Acknowledged(("PURR/USDC",))],
    ),
    (
        "hyperliquid",
        ("PURR/USDC",),
        b'{"channel":"error","data":"Error parsing JSON into valid websocket request: .."}',
        [Refused(None, "Error parsing JSON into valid websocket request: ..")],
    ),
    (
        "hyperliquid",
        ("PURR/USDC",),
        b'{"channel":"bbo","data":{"coin":"BTC","time":1790232237145,"bbo":[{"px":"84143.0","sz":"10.25923","n":36},'
        b'{"px":"84144.0","sz":"50.66422","n":18}]}}',
        [Ignored("bbo not spot")],
    ),
    (
        "hyperliquid",
        ("USDE/USDC",),
        b'{"channel":"bbo","data":{"coin":"@162","time":1750948919838,"bbo":[{"px":"0.97925","sz":"4144.6","n":1},'
        b'{"px":"0.97934","sz":"50.0","n":1}]}}',
        [quote("hyperliquid", "USDE/USDC", (0.97925, 4144.6), (0.97934, 50.0), 1750948919838, 1750948919838000)],
    ),
    ("hyperliquid", ("PURR/USDC",), b'{"channel":"pong"}', [Ignored("pong")]),
]


def speaking(venue: str, symbols: tuple[str, ...]) -> Dialect:
    speaker = dialect(venue)(symbols, {"USDE/USDC": "@162"})
    list(speaker.subscribe())
    return speaker


@pytest.mark.parametrize(("venue", "symbols", "frame", "events"), SAID)
def test_a_frame_says_what_it_is_documented_to_say(
    venue: str, symbols: tuple[str, ...], frame: bytes, events: list[Event]
) -> None:
    assert list(speaking(venue, symbols).decode(frame, NOW_NS)) == events


def test_every_venue_is_among_them() -> None:
    assert set(REQUESTS) == {venue for venue, *_ in SAID}


def test_kucoins_ticker_has_a_sequence_and_an_ack_tells_its_symbols() -> None:
    speaker = speaking("kucoin", BTC_ETH)
    speaker.decode(b'{"id":"x","type":"welcome"}', NOW_NS)
    assert list(speaker.decode(b'{"id":"1","type":"ack"}', NOW_NS)) == [Acknowledged(BTC_ETH)]


def test_kucoins_address_comes_with_a_token() -> None:
    server = {"endpoint": "wss://ws-api-spot.kucoin.com/", "pingInterval": 18000, "pingTimeout": 10000}
    answer = {"code": "200000", "data": {"token": "a+b/c==", "instanceServers": [server]}}
    address = "wss://ws-api-spot.kucoin.com/?token=a%2Bb/c%3D%3D&connectId=arbdesk"
    assert dialect("kucoin").address(answer) == address
    hopeless: tuple[Any, ...] = ({}, {"data": None}, {"data": {"token": "x", "instanceServers": []}}, [])
    for broken in hopeless:
        with pytest.raises(BadFrame, match="no_token"):
            dialect("kucoin").address(broken)


def test_one_unknown_pair_fails_all_on_gate_and_the_others_are_asked_for_again() -> None:
    speaker = speaking("gate", ("LUNARLENS/USDT", "ETH/USDT"))
    frame = (
        b'{"time":1739853211,"time_ms":1739853211201,"id":1,"conn_id":"62f2c1dabbe186d7","trace_id":"..",'
        b'"channel":"spot.book_ticker","event":"subscribe","payload":["LUNARLENS_USDT","ETH_USDT"],'
        b'"error":{"code":2,"message":"unknown currency pair: LUNARLENS_USDT"},"result":{"status":"fail"}}'
    )
    refused, again = speaker.decode(frame, NOW_NS)
    assert refused == Refused("LUNARLENS/USDT", "unknown currency pair: LUNARLENS_USDT")
    assert isinstance(again, Reply)
    assert orjson.loads(again.frame)["payload"] == ["ETH_USDT"]
    both = speaker.decode(frame.replace(b"unknown currency pair: LUNARLENS_USDT", b"no"), NOW_NS)
    assert [orjson.loads(one.frame)["payload"] for one in both if isinstance(one, Reply)] == [
        ["LUNARLENS_USDT"],
        ["ETH_USDT"],
    ]


def test_coinbase_asks_again_for_all_but_the_product_that_an_error_names() -> None:
    speaker = speaking("coinbase", ("NOPE/USD", "BTC/USD"))
    error = b'{"type":"error","message":"Failed to subscribe","reason":"NOPE-USD is not a valid product"}'
    refused, again = speaker.decode(error, NOW_NS)
    assert isinstance(refused, Refused)
    assert refused.symbol == "NOPE/USD"
    assert isinstance(again, Reply)
    assert orjson.loads(again.frame)["product_ids"] == ["BTC-USD"]


def test_an_instrument_that_is_missing_in_deribits_answer_is_refused() -> None:
    speaker = speaking("deribit", ("BTC/USDC", "NOPE/USDC"))
    answer = b'{"jsonrpc":"2.0","id":1,"result":["quote.BTC_USDC"],"usIn":1,"usOut":2,"usDiff":1,"testnet":false}'
    assert list(speaker.decode(answer, NOW_NS)) == [
        Acknowledged(("BTC/USDC",)),
        Refused("NOPE/USDC", "it is not in the answer"),
    ]
    assert list(speaker.decode(b'{"jsonrpc":"2.0","id":0,"result":"ok"}', NOW_NS)) == [Ignored("answer")]
    refusal = b'{"jsonrpc":"2.0","error":{"code":11050,"message":"bad_request"}}'
    assert list(speaker.decode(refusal, NOW_NS)) == [Refused(None, "11050 bad_request")]


def test_a_coinbase_snapshot_with_one_bad_level_is_read_without_it() -> None:
    snapshot = {
        "type": "snapshot",
        "product_id": "BTC-USD",
        "bids": [["100", "1"], ["99", "2"]],
        "asks": [["101", "0.-10000"], ["102", "3"]],
    }
    speaker = speaking("coinbase", ("BTC/USD",))
    (tick,) = speaker.decode(dumped(snapshot), NOW_NS)
    assert tick == quote("coinbase", "BTC/USD", (100.0, 1.0), (102.0, 3.0), NOW_NS // 10**6, 0)


def test_a_book_of_changes_is_told_of_when_its_top_is_another_one() -> None:
    speaker = speaking("coinbase", ("BTC/USD",))
    snapshot = {
        "type": "snapshot",
        "product_id": "BTC-USD",
        "bids": [["100", "1"], ["99", "2"]],
        "asks": [["101", "3"]],
    }
    said = list(speaker.decode(dumped(snapshot), NOW_NS))

    def change(*changes: list[str]) -> Event:
        update = {
            "type": "l2update",
            "product_id": "BTC-USD",
            "changes": changes,
            "time": "2026-09-17T16:43:37.075687Z",
        }
        (event,) = speaker.decode(dumped(update), NOW_NS)
        return event

    said += [
        change(["buy", "99", "5"]),
        change(["buy", "100", "0.00"]),
        change(["sell", "100.5", "1"], ["buy", "99.5", "4"]),
        change(["sell", "100.5", "0"], ["sell", "101", "0"]),
        change(["sell", "103", "1"]),
    ]
    tops = [(one.bid_price, one.bid_volume, one.ask_price) if isinstance(one, Tick) else one for one in said]
    assert tops == [
        (100.0, 1.0, 101.0),
        Ignored(BELOW),
        (99.0, 5.0, 101.0),
        (99.5, 4.0, 100.5),
        Untrue("BTC/USD", "one_sided"),
        (99.5, 4.0, 103.0),
    ]


def test_cryptocoms_books_are_chained_and_a_broken_chain_is_asked_for_anew() -> None:
    speaker = speaking("cryptocom", ("ETH/USD",))

    def update(number: int, before: int, **sides: list[list[str]]) -> list[Event]:
        data = {"update": sides, "t": 1790114273999, "tt": 1790114273999, "u": number, "pu": before}
        result = {"channel": "book.update", "instrument_name": "ETH_USD", "depth": 10, "data": [data]}
        return list(speaker.decode(dumped({"id": -1, "code": 0, "method": "subscribe", "result": result}), NOW_NS))

    assert update(5, 4)[0] == Untrue("ETH/USD", "gap")  # before any snapshot
    speaker.decode(CDC_SNAPSHOT, NOW_NS)
    first = 375554806244928
    assert update(first, first) == [Ignored(BELOW)]  # alive
    (better,) = update(first + 9, first, bids=[["2749.615", "1", "1"]])
    assert isinstance(better, Tick)
    assert (better.bid_price, better.sequence_id) == (2749.615, first + 9)
    gap, leave, ask = update(first + 30, first + 20)
    assert gap == Untrue("ETH/USD", "gap")
    assert isinstance(leave, Reply)
    assert isinstance(ask, Reply)
    assert [orjson.loads(one.frame)["method"] for one in (leave, ask)] == ["unsubscribe", "subscribe"]
    assert update(first + 31, first + 30) == [Untrue("ETH/USD", "gap")]
    (whole,) = speaker.decode(CDC_SNAPSHOT, NOW_NS)
    assert isinstance(whole, Tick)
    assert speaking("cryptocom", ("DOGE/USDT",)).decode(CDC_DELTA, NOW_NS)[0] == Untrue("DOGE/USDT", "gap")


def test_bitfinexs_orders_are_added_up_and_a_missing_frame_ends_the_connection() -> None:
    speaker = speaking("bitfinex", ("BTC/USD",))

    def say(*frame: Any) -> Event:
        (event,) = speaker.decode(dumped(list(frame)), NOW_NS)
        return event

    with pytest.raises(BadFrame, match="unknown_symbol"):
        say(5, [[1, 100.0, 2.0]], 1, 1790134414850)
    ack = {"event": "subscribed", "channel": "book", "chanId": 5, "symbol": "tBTCUSD", "prec": "R0", "len": "25"}
    assert list(speaker.decode(dumped(ack), NOW_NS)) == [Acknowledged(("BTC/USD",))]
    orders = [[1, 100, 2], [2, 100, 0.5], [3, 99, 9], [4, 101, -1]]
    assert say(5, orders, 2, 1790134414850) == quote(
        "bitfinex", "BTC/USD", (100.0, 2.5), (101.0, 1.0), 1790134414850, 1790134414850000
    )
    assert say(5, "hb", 3, 1790134414851) == Ignored("hb")
    assert say(5, "cs", 1330055495, 4, 1790134414851) == Ignored("cs")
    assert say(5, [3, 99, 8], 5, 1790134414852) == Ignored(BELOW)
    assert say(5, [2, 0, 1], 6, 1790134414853) == quote(
        "bitfinex", "BTC/USD", (100.0, 2.0), (101.0, 1.0), 1790134414853, 1790134414853000
    )
    assert say(5, [4, 0, -1], 7, 1790134414854) == Untrue("BTC/USD", "one_sided")
    assert say(5, [6, 102, -1], 9, 1790134414855) == Goodbye("frame 8 is missing")


def test_bitfinexs_other_channels_are_no_quotes() -> None:
    speaker = dialect("bitfinex")([])
    ack = {"event": "subscribed", "channel": "book", "chanId": 7, "symbol": "tBTCF0:USTF0", "prec": "P0", "len": "25"}
    speaker.decode(dumped(ack), NOW_NS)
    assert list(speaker.decode(b"[7,[[86704,1,0.03460649],[86701,2,0.07296393]]]", NOW_NS)) == [
        Ignored("another channel")
    ]


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (HTX_PING[:-9], "malformed"),
        (b"\x1f\x8b\x08\x00 no gzip", "malformed"),
        (zlib.compress(b" " * 2**25, wbits=31), "malformed"),  # far too much in it
        (zlib.compress(b"[1]", wbits=31), "not_an_object"),
    ],
)
def test_a_packed_frame_that_is_none_is_bad(frame: bytes, reason: str) -> None:
    with pytest.raises(BadFrame) as caught:
        dialect("htx")(BTC_ETH).decode(frame, NOW_NS)
    assert caught.value.reason == reason


def test_mexcs_unknown_and_missing_fields_do_not_matter() -> None:
    top = protobuf({1: "1.5", 2: "2", 3: "1.6", 4: "3", 5: "77", 6: 1782208005000, 9: "new"})
    frame = protobuf({1: MEXC_CHANNELS[0], 3: "BTCUSDT", 4: "id", 5: 1, 6: 1782208005090, 315: top, 999: 5})
    assert list(speaking("mexc", BTC_ETH).decode(frame, NOW_NS)) == [
        quote("mexc", "BTC/USDT", (1.5, 2.0), (1.6, 3.0), 1782208005090, 77)
    ]
    hollow = protobuf({1: MEXC_CHANNELS[0], 3: "BTCUSDT", 6: 1782208005090, 315: protobuf({1: "1.5", 2: "2"})})
    assert list(speaking("mexc", BTC_ETH).decode(hollow, NOW_NS)) == [Untrue("BTC/USDT", "one_sided")]


def test_what_is_padded_or_dust_is_not_the_best_level_of_bithumb() -> None:
    units = [
        {"bid_price": 100, "bid_size": 0, "ask_price": 101, "ask_size": 0.0},
        {"bid_price": 99, "bid_size": 2, "ask_price": 102, "ask_size": 3},
        {"bid_price": 0, "bid_size": 0, "ask_price": 103, "ask_size": 1},
    ]
    frame = {"type": "orderbook", "code": "KRW-BTC", "timestamp": 1790133505546514, "orderbook_units": units}
    assert list(dialect("bithumb")(["BTC/KRW"]).decode(dumped(frame), NOW_NS)) == [
        quote("bithumb", "BTC/KRW", (99.0, 2.0), (102.0, 3.0), 1790133505546, 1790133505546514)
    ]


def test_krakens_dead_symbol_without_prices_and_time_is_no_quote() -> None:
    entry = {"symbol": "BTC/USD", "bids": [], "asks": [], "checksum": 0, "timestamp": "1970-01-01T00:00:00.000000Z"}
    frame = json.dumps({"channel": "book", "type": "snapshot", "data": [entry]}).encode()
    assert list(dialect("kraken")(["BTC/USD"]).decode(frame, NOW_NS)) == [Untrue("BTC/USD", "one_sided")]
