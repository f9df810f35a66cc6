"""Bithumb. Source: Bithumb API, public websocket `orderbook`, read in October 2026. It speaks almost as Upbit does."""

from decimal import Decimal
from typing import ClassVar

from core.feeds.dialects.upbit import Upbit
from core.feeds.venue import Call


class Bithumb(Upbit):
    """One connection. Times are microseconds here, always."""

    name: ClassVar[str] = "bithumb"
    url: ClassVar[str] = "wss://ws-api.bithumb.com/websocket/v1"
    suffix: ClassVar[str] = ""  # all levels: sizes have 4 decimals, so the best one may be dust of size 0
    taker_fee_bps: ClassVar[Decimal] = Decimal(25)
    catalogue: ClassVar[Call | None] = Call("https://api.bithumb.com/v1/market/all?isDetails=true")
