"""What follows when two legs did not come out even: ask, hedge, or hand it to a person. Nothing stands open unowned."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Literal, NamedTuple

import msgspec

from core.execution.hedging import (
    SWEEP,
    TRIES,
    WIDENS,
    Hedge,
    Rescued,
    Standing,
    is_dust,
    next_hedge,
    standing_of,
    used_up,
)
from core.execution.naked import Naked
from core.execution.orders import EXACT, Broker, Fate, Order, Quote, Trade, currencies, exact
from core.execution.resolving import PATIENCE, Patience, Sleep, resolve
from core.instruments import Instruments
from core.settings import LimitSettings
from core.tick import Tick

LOOK_S = 0.05  # between two looks for a price to hedge at
KEPT = 64  # rescues that ended with a person and are still shown; the journal has them all

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


class Ending(NamedTuple):
    """How a trade came out in the end."""

    how: Ended
    standing: Standing
    why: str = ""


class Surroundings(NamedTuple):
    """What a rescue needs of the desk around it."""

    brokers: Mapping[str, Broker]
    instruments: Instruments
    settings: LimitSettings
    quote: Quote
    max_quote_age_ns: int
    clock_ns: Callable[[], int]
    send: Callable[[Order], Awaitable[Fate]]  # journals, gates and places one hedge
    account_for: Callable[[Fate], None]
    may_hedge: Callable[[], str]  # () -> why no hedge may leave; "" if it may
    spendable: Callable[[Order], Decimal | None]  # what the venue of such an order holds for it; None: no limit known
    sleep: Sleep = asyncio.sleep
    patience: Patience = PATIENCE
    price_s: float = 10.0  # for a price within the approved loss; then a person has to look
    rescue_s: float = 30.0  # for all of it


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
            notional = abs(at.base) * self._price(trade)
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
        width = exact(desk.settings.slippage_bps) * 2 ** (min(attempt, WIDENS) - 1)
        until_ns = min(until_ns, desk.clock_ns() + int(desk.price_s * 1e9))
        used_ns = used_up(known.values(), rescued.standing.side)
        while True:
            found = self._look(rescued, attempt, width, used_ns)
            if isinstance(found, Hedge) or desk.clock_ns() > until_ns:
                return found
            self.note(trade, known.values(), "hedging", tries=attempt - 1, why=found)
            await desk.sleep(LOOK_S)

    def _look(
        self, rescued: Rescued, attempt: int, width: Decimal, used_ns: Mapping[str, int] | None = None
    ) -> Hedge | str:
        """Return the hedge that may be had at this moment, or why there is none.

        `used_ns`: venue -> when the quotes there had been taken; only newer ones say what is left.
        """
        desk = self._desk
        if why := desk.may_hedge():
            return why
        now_ns = desk.clock_ns()
        quotes = self._quotes(rescued.symbol, now_ns)
        new = {venue: tick for venue, tick in quotes.items() if tick.received_ns >= (used_ns or {}).get(venue, 0)}
        if quotes and not new:
            return "no venue has shown a price since the last try"
        quotes = new
        return next_hedge(
            rescued,
            quotes,
            desk.instruments,
            attempt=attempt,
            width_bps=width,
            deadline_ns=now_ns + desk.settings.deadline_ms * 1_000_000,
            spendable=self._spendable(rescued, quotes),
        )

    def _spendable(self, rescued: Rescued, quotes: Mapping[str, Tick]) -> dict[str, Decimal | None]:
        none = Decimal(0)
        side, symbol = rescued.standing.side, rescued.symbol
        return {
            venue: self._desk.spendable(Order("", rescued.trade_id, venue, symbol, side, none, none, 0))
            for venue in quotes
        }

    def _quotes(self, symbol: str, now_ns: int) -> dict[str, Tick]:
        """Return the quotes that may be hedged on: fresh, and not crossed."""
        found = {}
        for venue in self._desk.brokers:
            tick = self._desk.quote(venue, symbol)
            if (
                tick is not None
                and tick.bid_price < tick.ask_price
                and abs(now_ns - tick.received_ns) <= self._desk.max_quote_age_ns
            ):
                found[venue] = tick
        return found

    def _even(self, trade: Trade, known: Mapping[str, Fate]) -> bool:
        base = standing_of(known.values()).base
        return not base or is_dust(
            base, self._price(trade), trade.route.symbol, self._desk.brokers, self._desk.instruments
        )

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
        price = self._price(trade)
        if is_dust(base, price, symbol, desk.brokers, desk.instruments):
            return ""
        with localcontext(EXACT):
            worth = base * price
            at, most = Standing(base, -worth), abs(worth) * exact(desk.settings.rescue_loss_bps).scaleb(-4)
        rescued = Rescued(trade.trade_id, symbol, trade.route.buy, trade.route.sell, at, most)
        hedge = self._look(rescued, SWEEP, exact(desk.settings.slippage_bps))
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

    def _price(self, trade: Trade) -> Decimal:
        """Return what the base is worth: the mid of the first venue with a quote, else the price that was seen."""
        for venue in self._desk.brokers:
            tick = self._desk.quote(venue, trade.route.symbol)
            if tick is not None:
                return (exact(tick.bid_price) + exact(tick.ask_price)) / 2
        return trade.buy_price


def _rescued(trade: Trade, fates: Iterable[Fate]) -> Rescued:
    route = trade.route
    return Rescued(trade.trade_id, route.symbol, route.buy, route.sell, standing_of(fates), trade.max_loss)
