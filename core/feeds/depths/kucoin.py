"""KuCoin spot, top levels. Source: KuCoin API, `/spotMarket/level2Depth5` and `level2Depth50`, read in October 2026.

A whole book every 100 ms, also where it has not changed; no counter, so its time orders them.
"""

from typing import Any, ClassVar

from core.feeds.dialects.kucoin import KuCoin
from core.feeds.frames import Stream, whole
from core.feeds.top_levels import TopLevels
from core.feeds.venue import Event, Ignored


class KuCoinDepth(TopLevels[Stream], KuCoin):
    """One connection, with a token of its own."""

    name: ClassVar[str] = "kucoin depth"
    venue: ClassVar[str] = "kucoin"
    offered: ClassVar[tuple[int, ...]] = (5, 50)

    @property
    def channel(self) -> str:
        return f"/spotMarket/level2Depth{self.asked}"

    def _take_data(self, message: dict[str, Any], received_ns: int) -> Event:
        channel, _, native = message["topic"].partition(":")
        if channel != self.channel:
            return Ignored(str(channel))
        data = message["data"]
        when_us = whole(data["timestamp"], "bad_time") * 1000
        return self.book(self.find(native), data["bids"], data["asks"], when_us, None, received_ns)
