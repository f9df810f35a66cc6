"""Bithumb, top levels. Source: Bithumb API, public websocket `orderbook`, at most 15 levels, read in October 2026."""

from typing import ClassVar

from core.feeds.depths.upbit import UpbitDepth
from core.feeds.dialects.bithumb import Bithumb


class BithumbDepth(UpbitDepth, Bithumb):
    """One connection. It sends all of its levels, and those of size 0 are dust."""

    name: ClassVar[str] = "bithumb depth"
    venue: ClassVar[str] = "bithumb"
    is_apart: ClassVar[bool] = False
    offered: ClassVar[tuple[int, ...]] = (15,)

    def _suffix(self) -> str:
        return ""
