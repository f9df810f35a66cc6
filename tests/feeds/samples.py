"""Frames as the venues send them, with the parts that a test wants to choose."""

import json
from pathlib import Path
from typing import Any

from core.feeds.venue import Dialect, Event
from core.tick import Tick

FRAMES = Path(__file__).parent.parent / "frames"
NOW_NS = 1_785_136_396_200_000_000  # shortly after the times in the frames below
TS = 1_785_136_396_195


def dumped(message: Any) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def binance(sequence_id: Any = 7, *, native: str = "BTCUSDT", raw: bool = False, **fields: Any) -> bytes:
    data = {"u": sequence_id, "s": native, "b": "100.5", "B": "2", "a": "100.6", "A": "3"} | fields
    return dumped(data if raw else {"stream": f"{native.lower()}@bookTicker", "data": data})


def bybit(
    sequence_id: Any = 7, *, kind: str = "snapshot", native: str = "BTCUSDT", b: Any = None, a: Any = None, **more: Any
) -> bytes:
    bids = [["100.5", "2"]] if b is None else b
    asks = [["100.6", "3"]] if a is None else a
    data = {"s": native, "b": bids, "a": asks, "u": sequence_id, "seq": 9}
    return dumped({"topic": f"orderbook.1.{native}", "ts": TS, "type": kind, "data": data, "cts": TS - 8} | more)


def okx(sequence_id: Any = 7, *, native: str = "BTC-USDT", bids: Any = None, asks: Any = None, **book: Any) -> bytes:
    sides = {
        "asks": [["100.6", "3", "0", "5"]] if asks is None else asks,
        "bids": [["100.5", "2", "0", "19"]] if bids is None else bids,
    }
    counted = {} if sequence_id is None else {"seqId": sequence_id}
    data = sides | {"ts": str(TS)} | counted | book
    return dumped({"arg": {"channel": "bbo-tbt", "instId": native}, "data": [data]})


def said(dialect: Dialect, *frames: bytes, at_ns: int = NOW_NS) -> list[Event]:
    return [event for frame in frames for event in dialect.decode(frame, at_ns)]


def only_tick(dialect: Dialect, frame: bytes, at_ns: int = NOW_NS) -> Tick:
    (event,) = dialect.decode(frame, at_ns)
    assert isinstance(event, Tick)
    return event
