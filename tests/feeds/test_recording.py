import json
from collections import Counter

import pytest

from core.feeds.catalogue import dialect
from core.feeds.recording import Decoded, decode_lines
from core.tick import Tick
from tests.feeds.samples import FRAMES, binance, bybit, okx


def line(frame: bytes, recv_ns: int | None = None) -> bytes:
    return json.dumps({"recv_ns": recv_ns, "raw": frame.decode()}).encode() + b"\n"


def recorded(venue: str) -> list[Decoded]:
    with (FRAMES / f"{venue}.jsonl").open("rb") as lines:
        return list(decode_lines(dialect(venue), lines))


def ticks(venue: str) -> list[Tick]:
    return [told.tick for told in recorded(venue) if told.tick]


@pytest.mark.parametrize(
    ("venue", "counts"),
    [
        # 252 quotes: none of them is a repeat or older than the one before.
        ("binance", {"tick": 252, "depth@100ms": 74, "trade": 62}),
        # A snapshot, and the delta that changes its bid.
        ("bybit", {"tick": 2, "publicTrade": 1, "orderbook.50": 2}),
        # Of three bbo-tbt, one is spot; the others are a swap and an option.
        ("okx", {"tick": 1, "bbo-tbt not spot": 2, "acknowledged": 18, "books": 108, "trades": 35, "tickers": 15}),
        # 3 snapshots and 241 changes, of which 58 move the top; one comes of a product whose snapshot is not there.
        (
            "coinbase",
            {
                "tick": 61,
                "below the top": 182,
                "gap": 1,
                "ticker": 42,
                "match": 10,
                "last_match": 10,
                "acknowledged": 3,
            },
        ),
        # Every checksum agrees; 116 of 250 changes move the top.
        ("kraken", {"tick": 117, "below the top": 134}),
        # One book_ticker.
        (
            "gate",
            {
                "tick": 1,
                "spot.order_book_update": 80,
                "spot.candlesticks": 20,
                "spot.tickers": 11,
                "spot.trades": 4,
                "spot.obu": 2,
                "spot.order_book": 2,
            },
        ),
        # The sequence of the ticker only rises.
        ("kucoin", {"tick": 56, "/market/level2": 300, "acknowledged": 13, "/market/match": 10}),
        # 71 books in the format SIMPLE, one in the other.
        ("upbit", {"tick": 72, "trade": 105}),
    ],
)
def test_every_recorded_frame_is_accounted_for(venue: str, counts: dict[str, int]) -> None:
    told = recorded(venue)
    assert Counter(one.what or one.kind for one in told) == counts
    silent = {1} if venue == "kucoin" else set()  # a welcome is answered, and says nothing
    assert [one.line for one in told] == [
        number for number in range(1, len(told) + len(silent) + 1) if number not in silent
    ]


def test_binance_quotes_carry_the_receive_time() -> None:
    first = ticks("binance")[0]
    assert first == Tick(
        "binance", "NKN/USDT", 0.3521, 0.3526, 672.0, 3199.0, 1633998513377, 499869768, 1633998513377805000
    )
    assert Counter(tick.symbol for tick in ticks("binance")).keys() == {"NKN/USDT", "LRC/BTC", "BTC/USDT", "ETH/USDT"}


def test_a_recorded_delta_changes_the_side_that_it_names() -> None:
    assert ticks("bybit") == [
        Tick("bybit", "BTC/USDT", 28165.07, 28165.08, 0.175231, 0.996816, 1680652806504, 20404754),
        Tick("bybit", "BTC/USDT", 28165.07, 28165.08, 0.166754, 0.996816, 1680652806615, 20404755),
    ]


def test_a_recording_without_sequence_and_receive_time_is_read() -> None:
    assert ticks("okx") == [Tick("okx", "BTC/USDT", 31774.6, 31774.7, 0.3392211, 0.14368878, 1654032991947, 0)]


def test_a_recorded_book_is_no_longer_true_once_a_checksum_disagrees() -> None:
    lines = (FRAMES / "kraken.jsonl").read_bytes().splitlines()
    lines[100] = lines[100].replace(b'\\"checksum\\":', b'\\"checksum\\":1')
    told = list(decode_lines(dialect("kraken"), lines))
    assert {one.what for one in told[:100]} <= {"", "below the top"}
    assert {one.what for one in told[100:]} == {"gap"}
    assert len(told) == 251


def test_recorded_quotes_of_every_venue_have_a_bid_below_the_ask_and_rise_in_sequence() -> None:
    for venue in ("binance", "coinbase", "kraken", "gate", "kucoin", "upbit"):
        last: dict[str, int] = {}
        for tick in ticks(venue):
            if (venue, tick.symbol) != ("kucoin", "SNX/BTC"):  # crossed for one recorded moment
                assert tick.bid_price < tick.ask_price, tick
            assert tick.sequence_id > last.get(tick.symbol, -1)
            last[tick.symbol] = tick.sequence_id


def test_upbit_writes_the_quote_first_and_once_a_time_in_microseconds() -> None:
    assert ticks("upbit")[-1] == Tick(
        "upbit", "ETC/USDT", 17.56010719, 18.14783928, 10.76125737, 8.3912024, 1691530805062, 1691530805062000
    )


def test_an_unknown_time_is_zero_where_the_venue_stamps_nothing() -> None:
    (told,) = decode_lines(dialect("binance"), [line(binance())])
    assert told.tick is not None
    assert (told.tick.timestamp, told.tick.received_ns) == (0, 0)


def test_a_time_in_the_wrong_unit_is_found_without_a_receive_time() -> None:
    (told,) = decode_lines(dialect("okx"), [line(okx(ts="1749044565306000"))])
    assert (told.kind, told.what) == ("rejected", "bad_time")


@pytest.mark.parametrize(
    "bad",
    [
        b"not json\n",
        b"[]\n",
        b'{"recv_ns": 1}\n',
        b'{"recv_ns": 1, "raw": {"u": 1}}\n',
        b'{"recv_ns": "1", "raw": "x"}\n',
        b'{"recv_ns": -1, "raw": "x"}\n',
        b'{"recv_ns": 99999999999999999999999, "raw": "x"}\n',
        b'{"recv_ns": 1.5, "raw": "x"}\n',
        b'{"raw": "\\ud800"}\n',
        b'{"raw": "\xff"}\n',
        b'{"a":' * 100_000,
        b"\x00\n",
    ],
)
def test_a_line_that_is_no_recording_is_told_by_its_number(bad: bytes) -> None:
    told = list(decode_lines(dialect("binance"), [line(binance(1)), bad, b"\r\n", line(binance(2), 5)]))
    assert [(one.line, one.kind, one.what) for one in told] == [
        (1, "tick", ""),
        (2, "rejected", "bad_line"),
        (4, "tick", ""),
    ]


def test_bad_and_untrue_frames_are_rejected_with_their_reason() -> None:
    lines = [line(binance(b="nan")), line(binance(A="0")), line(b"\xef\xbb\xbf{"), b"\xef\xbb\xbf" + line(binance(8))]
    told = list(decode_lines(dialect("binance"), lines))
    assert [(one.line, one.what) for one in told] == [(1, "bad_price"), (2, "zero_size"), (3, "malformed"), (4, "")]
    assert "nan" in told[0].detail
    assert told[1].detail == "BTC/USDT"


def test_what_else_a_venue_says_is_told_too_and_replies_are_not() -> None:
    shutdown = line(b'{"e":"serverShutdown"}')
    error = line(b'{"code":2,"msg":"no"}')
    assert [one.what for one in decode_lines(dialect("binance"), [shutdown, error])] == ["goodbye", "refused"]
    assert [one.what for one in decode_lines(dialect("bybit"), [line(bybit(2, kind="delta"))])] == ["gap"]


def test_a_binary_frame_is_recorded_in_base64() -> None:
    ping = "H4sIAAAAAAAAAKtWKsjMS1eyMjQztDAztzAwNzYzMa4FAONIBtIWAAAA"
    lines = [f'{{"recv_ns":1,"base64":"{ping}"}}\n'.encode(), b'{"recv_ns":1,"base64":"%"}', b'{"recv_ns":1}']
    assert [one.what for one in decode_lines(dialect("htx"), lines)] == ["ping", "bad_line", "bad_line"]


def test_only_the_named_symbols_are_read_where_some_are_named() -> None:
    lines = [line(okx()), line(okx(native="ETH-USDT"))]
    told = list(decode_lines(dialect("okx"), lines, symbols=["BTC/USDT"]))
    assert [(one.kind, one.what) for one in told] == [("tick", ""), ("rejected", "unknown_symbol")]
