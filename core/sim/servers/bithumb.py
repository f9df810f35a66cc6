"""The server's side of Bithumb's websocket, orderbook. Source: its documents and frames, read in October 2026."""

from typing import ClassVar

from core.sim.servers.upbit import Upbit


class Bithumb(Upbit):
    name: ClassVar[str] = "bithumb"
    us_per_unit: ClassVar[int] = 1
