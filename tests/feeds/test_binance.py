from itertools import pairwise
from typing import Any

import orjson
import pytest

from core.errors import BadFrame
from core.feeds.dialects.binance import Binance
from core.feeds.venue import Acknowledged, Goodbye, Ignored, Refused, Untrue
from core.tick import Tick
from tests.feeds.samples import NOW_NS, binance, dumped, only_tick, said

REAL = (
    b'{"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000",'
    b'"B":"3.78826000","a":"61837.64000000","A":"1.54698000"}}'
)
BARE = orjson.dumps(orjson.loads(REAL)["data"])
TICK = Tick(
    "binance",
    "BTC/USDT",
    61837.63,
    61837.64,
    3.78826,
    1.54698,
    timestamp=NOW_NS // 1_000_000,  # the venue stamps nothing
    sequence_id=50093239212,
    received_ns=NOW_NS,
)


@pytest.fixture
def dialect() -> Binance:
    return Binance(["BTC/USDT", "ETH/USDT"])


@pytest.mark.parametrize("frame", [REAL, BARE, b"\xef\xbb\xbf" + REAL, b" \r\n" + REAL + b"\n"])
def test_a_quote_is_read_in_the_combined_and_in_the_raw_form(dialect: Binance, frame: bytes) -> None:
    assert only_tick(dialect, frame) == TICK


def test_without_symbols_any_spot_symbol_is_read() -> None:
    dialect = Binance([])
    assert [only_tick(dialect, REAL), only_tick(dialect, binance(1, native="BLZETH")).symbol] == [TICK, "BLZ/ETH"]
    with pytest.raises(BadFrame, match="unknown_symbol"):
        dialect.decode(binance(native="NONSENSE"), NOW_NS)


def test_numbers_may_be_numbers_or_text_and_unknown_fields_do_not_matter(dialect: Binance) -> None:
    tick = only_tick(dialect, binance("50", b=100, B=1.5, a="1.006e2", A="7.9276E-4", E=5, new={"x": [1]}))
    assert (tick.bid_price, tick.bid_volume, tick.ask_price, tick.ask_volume) == (100.0, 1.5, 100.6, 0.00079276)
    assert tick.sequence_id == 50


def test_an_older_frame_and_a_repeat_bring_nothing(dialect: Binance) -> None:
    assert said(dialect, binance(50), binance(50), binance(49), binance(60))[1:3] == [Ignored("repeat"), Ignored("old")]
    assert said(dialect, binance(60, raw=True), binance(55, raw=True)) == [Ignored("repeat"), Ignored("old")]


def test_symbols_are_counted_apart(dialect: Binance) -> None:
    ticks = said(dialect, binance(50), binance(5, native="ETHUSDT"))
    assert [tick.symbol for tick in ticks if isinstance(tick, Tick)] == ["BTC/USDT", "ETH/USDT"]


def test_a_run_of_rising_lower_ids_is_a_restart_of_the_venues_counter(dialect: Binance) -> None:
    events = said(dialect, *(binance(number) for number in (1000, 3, 4, 5, 6, 7, 8)))
    assert [type(event) for event in events] == [Tick, Ignored, Ignored, Ignored, Ignored, Tick, Tick]


@pytest.mark.parametrize(
    "ids",
    [
        (1000, 3, 4, 5, 6, 1001, 7, 8, 9),
        (1000, 9, 8, 7, 6, 5, 4),
        (1000, 3, 4, 5, 6, 6, 6, 6),
        (1000, 3, 4, 5, 6, 2, 3),
    ],
    ids=["interrupted by a new one", "falling", "repeated", "falling once"],
)
def test_fewer_than_five_rising_lower_ids_are_old(dialect: Binance, ids: tuple[int, ...]) -> None:
    read = [event.sequence_id for event in said(dialect, *map(binance, ids)) if isinstance(event, Tick)]
    assert all(one < other for one, other in pairwise(read))
    assert read[0] == 1000


def test_an_empty_side_is_untrue_once_and_the_next_quote_is_true_again(dialect: Binance) -> None:
    nothing: dict[str, Any] = {"b": "0.00000000", "B": "0.00000000"}
    assert said(dialect, binance(5), binance(6, **nothing), binance(6, **nothing))[1:] == [
        Untrue("BTC/USDT", "one_sided"),
        Ignored("repeat"),
    ]
    assert only_tick(dialect, binance(7)).sequence_id == 7


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({"b": "0"}, Untrue("BTC/USDT", "one_sided")),
        ({"a": None, "A": None}, Untrue("BTC/USDT", "one_sided")),
        ({"a": "", "A": ""}, Untrue("BTC/USDT", "one_sided")),
        ({"B": "0.000"}, Untrue("BTC/USDT", "zero_size")),
        ({"A": 0}, Untrue("BTC/USDT", "zero_size")),
        ({"A": ""}, Untrue("BTC/USDT", "zero_size")),
    ],
)
def test_half_a_top_of_book_is_no_quote(dialect: Binance, fields: dict[str, Any], event: Untrue) -> None:
    assert said(dialect, binance(**fields)) == [event]
    assert said(dialect, binance(8, raw=True, **fields)) == [event]


def test_a_crossed_book_is_told_as_it_is(dialect: Binance) -> None:
    assert only_tick(dialect, binance(b="101")).bid_price == 101


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (binance(b="nan"), "bad_price"),
        (binance(a="inf"), "bad_price"),
        (binance(a="-Infinity"), "bad_price"),
        (binance(b="-1"), "bad_price"),
        (binance(b="1e999"), "bad_price"),
        (binance(b="1_000"), "bad_price"),
        (binance(b=True), "bad_price"),
        (binance(b=["1"]), "bad_price"),
        (binance(B="nan"), "bad_size"),
        (binance(A="-0.1"), "bad_size"),
        (binance(A={}), "bad_size"),
        (binance(-1), "bad_sequence"),
        (binance(2**63), "bad_sequence"),
        (binance(1.5), "bad_sequence"),
        (binance(None), "bad_sequence"),
        (binance(native="DOGEUSDT"), "unknown_symbol"),
        (binance(native="DOGEUSDT", raw=True), "unknown_symbol"),
        (binance(s="ETHUSDT"), "unknown_symbol"),  # on the stream of another one
        (binance(s=5), "missing_field"),
        (b'{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2"}}', "missing_field"),
        (b'{"stream":"btcusdt@bookTicker"}', "missing_field"),
        (b'{"stream":5,"data":{}}', "unknown_frame"),
        (b'{"hello":1}', "unknown_frame"),
        (b"{}", "unknown_frame"),
        (b"pong", "malformed"),
        (b"", "malformed"),
        (b"[1]", "not_an_object"),
        (b"null", "not_an_object"),
        (REAL.replace(b'"u":', b'"x":"\xff","u":').replace(b'"BTCUSDT"', b'"BTC\xffUSDT"'), "not_utf8"),
        (b"\x1f\x8b\x08\x00\x00", "not_utf8"),
        (REAL + REAL, "malformed"),
        (b'{"a":' * 100_000, "malformed"),
    ],
)
def test_what_binance_does_not_document_is_a_bad_frame(dialect: Binance, frame: bytes, reason: str) -> None:
    with pytest.raises(BadFrame) as caught:
        dialect.decode(frame, NOW_NS)
    assert caught.value.reason == reason
    assert only_tick(dialect, binance(1)).sequence_id == 1  # nothing of it was taken for true


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        (b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","p":"1","q":"2"}}', Ignored("trade")),
        (b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","u":2,"b":[],"a":[]}}', Ignored("depth@100ms")),
        (b'{"stream":"btcusdt@depth5","data":{"lastUpdateId":2,"bids":[],"asks":[]}}', Ignored("depth5")),
        (b'{"lastUpdateId":2,"bids":[],"asks":[]}', Ignored("depth")),
        (b'{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[]}', Ignored("depthUpdate")),
        (b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}', Goodbye("serverShutdown")),
        (b'{"e":"serverShutdown","E":1}', Goodbye("serverShutdown")),
        (b'{"result":["btcusdt@bookTicker"],"id":3}', Ignored("result")),
        (b'{"result":null,"id":null}', Acknowledged()),
        (
            b'{"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"}',
            Refused(None, "3 Invalid JSON: expected value at line 1 column 1"),
        ),
        (b'{"error":{"code":2,"msg":"no"},"id":9}', Refused(None, "2 no")),
    ],
)
def test_other_frames_are_told_by_their_kind(dialect: Binance, frame: bytes, event: object) -> None:
    assert said(dialect, frame) == [event]


def test_the_answer_tells_which_symbols_were_accepted_or_refused() -> None:
    dialect = Binance(["BTC/USDT"])
    assert list(dialect.subscribe()) == ['{"method":"SUBSCRIBE","params":["btcusdt@bookTicker"],"id":1}']
    assert said(dialect, dumped({"result": None, "id": 1})) == [Acknowledged(("BTC/USDT",))]
    assert list(dialect.subscribe())
    error = b'{"code":2,"msg":"Invalid request","id":1}'
    assert said(dialect, error) == [Refused("BTC/USDT", "2 Invalid request")]


def test_requests_name_every_stream_once_and_at_most_a_hundred_each() -> None:
    symbols = [f"C{number}/USDT" for number in range(Binance.max_symbols)]
    requests = [orjson.loads(request) for request in Binance(symbols).subscribe()]
    assert [len(request["params"]) for request in requests] == [100] * 10
    assert sorted(name for request in requests for name in request["params"]) == sorted(
        f"c{number}usdt@bookTicker" for number in range(Binance.max_symbols)
    )
    assert len({request["id"] for request in requests}) == 10
