"""Order entry of all simulated venues, matched against what their feeds have told."""

import contextlib
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from functools import partial
from typing import Any

from core.sim.entry.venue import DIALECTS, OrderEntry
from core.sim.listings import lattices
from core.sim.simulation import Settings, Simulation


class OrderDesk:
    """The order entries of those venues that have one.

    `announce` is told of every order that comes in, once somebody asked for that.
    """

    def __init__(self, simulation: Simulation, settings: Settings) -> None:
        names = [name for name in settings.venues if name in DIALECTS] if settings.order_entry else []
        listed = lattices(names, settings.symbols)
        self.entries = {
            name: OrderEntry(
                name,
                {one.symbol: one for one in listed if one.venue == name},
                simulation.venues[name].last,
                fee=Decimal(str(settings.fee_bps)).scaleb(-4),
                seed=settings.seed,
            )
            for name in names
        }
        self.announce: Callable[[dict[str, Any]], None] = lambda _: None
        self._fail(settings.order_faults)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[dict[str, str]]:
        """Take orders as long as the context lasts; yields the addresses."""
        async with contextlib.AsyncExitStack() as stack:
            for entry in self.entries.values():
                await stack.enter_async_context(entry.open())
            yield {name: entry.url for name, entry in self.entries.items()}

    def obey(self, asked: Any) -> dict[str, Any]:
        """Do what the parent wants to know or to happen; return what is to be said, nothing if nothing is."""
        match asked:
            case "books":
                return {"books": {name: entry.report() for name, entry in self.entries.items()}}
            case "announce":
                for name, entry in self.entries.items():
                    entry.on_arrival = partial(self._arrived, name)
            case {"faults": share}:
                self._fail(float(share))
        return {}

    def _fail(self, share: float) -> None:
        for entry in self.entries.values():
            entry.shares = {"order": share, "read": share / 3}

    def _arrived(self, venue: str, at_ns: int) -> None:
        self.announce({"arrived": venue, "at_ns": at_ns})
