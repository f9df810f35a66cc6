"""What follows when two legs did not come out even: ask, hedge, or hand it to a person. Nothing stands open unowned."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Literal, NamedTuple

import msgspec

from core.execution.hedging import SWEEP, TRIES, Hedge, Rescued, Standing, is_dust, standing_of, used_up
from core.execution.naked import Naked
from core.execution.orders import EXACT, Fate, Trade, currencies, exact
from core.execution.resolving import resolve
from core.execution.surroundings import Surroundings

LOOK_S = 0.05  # between two looks for a price to hedge at

State = Literal["asking", "hedging", "manual"]
Ended = Literal["flat", "dust", "manual"]


class Exposure(msgspec.Struct, frozen=True):
    """A trade that is not even, and who has it in hand."""

    trade_id: str
    symbol: str
    state: State
    owner: Literal["desk", "person"]
    base: Decimal  # bought and not sold; negative: sold and not bought
    notional: Decimal  # quote currency, at the last price known
    max_loss: Decimal
    since_ns: int
    tries: int = 0
    why: str = ""

    @property
    def what(self) -> str:
        """How far from even it is, in words."""
        how = "bought and not sold" if self.base > 0 else "sold and not bought"
        return f"{abs(self.base).normalize():f} {self.symbol} {how}" if self.base else self.symbol


class Ending(NamedTuple):
    """How a trade came out in the end."""

    how: Ended
    standing: Standing
    why: str = ""


class Rescue:
    """Owns every trade from the fates of its legs until it is even, dust, or a person's."""

    def __init__(self, desk: Surroundings) -> None:
        self._desk = self.surroundings = desk
        self._open: dict[str, Exposure] = {}
        self._doubtful: Counter[str] = Counter()  # venue -> its orders of unknown fate
        self._dust: dict[str, Decimal] = {}  # symbol -> base that no venue takes
        self.naked = Naked()

    def exposures(self) -> tuple[Exposure, ...]:
        """Return what is not even, the oldest first."""
        return tuple(self._open.values())

    def dust(self) -> dict[str, Decimal]:
        """Return per symbol what is too little for every venue."""
        return {symbol: base for symbol, base in self._dust.items() if base}

    def doubts(self, venue: str) -> bool:
        """Return whether `venue` has an order of unknown fate: nothing new is sent there meanwhile."""
        return bool(self._doubtful[venue])

    def release(self, trade_id: str) -> None:
        """Forget a trade that a person has taken over."""
        self._open.pop(trade_id, None)
        self.naked.stands(trade_id, "", Decimal(0), self._desk.clock_ns())

    async def finish(self, trade: Trade, fates: Iterable[Fate], tries: int = 0) -> Ending:
        """Bring `trade` to its end. Cancelled, it stays open in the journal, and the next start goes on with it.

        `tries` is how many hedges it had before.
        """
        known = {fate.order.client_id: fate for fate in fates}
        self.note(trade, known.values(), "hedging", tries=tries)
        until_ns = self._desk.clock_ns() + int(self._desk.rescue_s * 1e9)
        for attempt in range(tries + 1, TRIES + 1):
            if stuck := await self._settle(trade, known, tries=attempt - 1):
                return self._give_up(trade, known, stuck, attempt - 1)
            if self._even(trade, known):
                return await self._end(trade, known)
            hedge = await self._find(trade, known, attempt, until_ns)
            if isinstance(hedge, str):
                return self._give_up(trade, known, hedge, attempt - 1)
            fate = await self._desk.send(hedge.order)
            known[fate.order.client_id] = fate
            self.note(trade, known.values(), "hedging", tries=attempt, why=f"{hedge.way}: {fate.outcome}")
        if stuck := await self._settle(trade, known, tries=TRIES):
            return self._give_up(trade, known, stuck, TRIES)
        if self._even(trade, known):
            return await self._end(trade, known)
        return self._give_up(trade, known, f"{TRIES} tries did not bring it back", TRIES)

    async def prove(
        self, trade: Trade, fates: Iterable[Fate], tries: int, *, handed_over: bool = False
    ) -> Ending | None:
        """Ask about `trade` without hedging it; None: it has to be hedged, and waits for that.

        `handed_over`: a person has it, and may have traded against it since; the desk does not.
        """
        known = {fate.order.client_id: fate for fate in fates}
        if stuck := await self._settle(trade, known, tries=tries):
            return self._give_up(trade, known, stuck, tries)
        at = standing_of(known.values())
        if self._even(trade, known):
            self.release(trade.trade_id)
            return Ending("dust" if at.base else "flat", at)
        if handed_over:
            return self._give_up(trade, known, "an earlier run handed it to a person", tries)
        if tries >= TRIES:
            return self._give_up(trade, known, f"{TRIES} tries did not bring it back", tries)
        self.note(trade, known.values(), "hedging", tries=tries, why="it waits until the desk is armed")
        return None

    def note(
        self, trade: Trade, fates: Iterable[Fate], state: State, *, tries: int = 0, why: str = "", person: bool = False
    ) -> None:
        """Show where `trade` stands."""
        now_ns, symbol = self._desk.clock_ns(), trade.route.symbol
        at = standing_of(fates)
        with localcontext(EXACT):
            notional = abs(at.base) * self._desk.price(trade)
        held = self._open.get(trade.trade_id)
        since_ns = held.since_ns if held is not None else now_ns
        owner: Literal["desk", "person"] = "person" if person else "desk"
        self._open[trade.trade_id] = Exposure(
            trade.trade_id, symbol, state, owner, at.base, notional, trade.max_loss, since_ns, tries, why
        )
        self.naked.stands(trade.trade_id, currencies(symbol)[1], notional, now_ns)

    # -- the steps

    async def _settle(self, trade: Trade, known: dict[str, Fate], *, tries: int) -> str:
        """Ask about every order of unknown fate; return what could not be proven."""
        doubtful = [fate for fate in known.values() if fate.outcome == "unknown"]
        if not doubtful:
            return ""
        self.note(trade, known.values(), "asking", tries=tries, why=doubtful[0].why)
        desk, venues = self._desk, [fate.order.venue for fate in doubtful]
        self._doubtful.update(venues)
        try:
            answers = await asyncio.gather(
                *(
                    resolve(fate.order, desk.brokers[fate.order.venue], desk.clock_ns, desk.sleep, desk.patience)
                    for fate in doubtful
                )
            )
        finally:
            self._doubtful.subtract(venues)
        for answer in answers:
            known[answer.order.client_id] = answer
            desk.account_for(answer)
        self.note(trade, known.values(), "hedging", tries=tries)
        return next((f"{one.order.venue}: {one.why}" for one in answers if one.outcome == "unknown"), "")

    async def _find(self, trade: Trade, known: Mapping[str, Fate], attempt: int, until_ns: int) -> Hedge | str:
        """Return the next hedge as soon as there is a price for it, or why it was not found in time."""
        desk = self._desk
        rescued = _rescued(trade, known.values())
        until_ns = min(until_ns, desk.clock_ns() + int(desk.price_s * 1e9))
        used_ns = used_up(known.values(), rescued.standing.side)
        while True:
            found = desk.hedge(rescued, attempt, desk.width_bps(attempt), used_ns)
            if isinstance(found, Hedge) or desk.clock_ns() > until_ns:
                return found
            self.note(trade, known.values(), "hedging", tries=attempt - 1, why=found)
            await desk.sleep(LOOK_S)

    def _even(self, trade: Trade, known: Mapping[str, Fate]) -> bool:
        desk, base = self._desk, standing_of(known.values()).base
        return not base or is_dust(base, desk.price(trade), trade.route.symbol, desk.brokers, desk.instruments)

    async def _end(self, trade: Trade, known: dict[str, Fate]) -> Ending:
        at, symbol = standing_of(known.values()), trade.route.symbol
        if not at.base:
            self.release(trade.trade_id)
            return Ending("flat", at)
        self.add_dust(symbol, at.base)
        if stuck := await self._sweep(trade, known):
            return self._give_up(trade, known, stuck, TRIES)
        self.release(trade.trade_id)
        return Ending("dust", at, f"{at.base.normalize():f} is too little for every venue")

    def add_dust(self, symbol: str, base: Decimal) -> None:
        with localcontext(EXACT):
            self._dust[symbol] = self._dust.get(symbol, Decimal(0)) + base

    async def _sweep(self, trade: Trade, known: dict[str, Fate]) -> str:
        """Bring a symbol's dust back once it has become enough for a venue, in the name of the trade that made it so.

        Its worth at this moment is what it may lose its share of: what it once cost is in trades that have ended.
        """
        desk, symbol, base = self._desk, trade.route.symbol, self._dust[trade.route.symbol]
        price = desk.price(trade)
        if is_dust(base, price, symbol, desk.brokers, desk.instruments):
            return ""
        with localcontext(EXACT):
            worth = base * price
            at, most = Standing(base, -worth), abs(worth) * exact(desk.settings.rescue_loss_bps).scaleb(-4)
        rescued = Rescued(trade.trade_id, symbol, trade.route.buy, trade.route.sell, at, most)
        hedge = desk.hedge(rescued, SWEEP, desk.width_bps(1), {})
        if isinstance(hedge, str):
            return ""  # it stays dust; the next trade of this symbol tries again
        fate = await desk.send(hedge.order)
        known[fate.order.client_id] = fate
        stuck = await self._settle(trade, known, tries=TRIES)
        self.add_dust(symbol, standing_of([known[fate.order.client_id]]).base)
        return stuck

    def _give_up(self, trade: Trade, known: Mapping[str, Fate], why: str, tries: int) -> Ending:
        """Hand the trade to a person; it stays in sight until the person takes it over."""
        self.note(trade, known.values(), "manual", tries=tries, why=why, person=True)
        return Ending("manual", standing_of(known.values()), why)


def _rescued(trade: Trade, fates: Iterable[Fate]) -> Rescued:
    route = trade.route
    return Rescued(trade.trade_id, route.symbol, route.buy, route.sell, standing_of(fates), trade.max_loss)
