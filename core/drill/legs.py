"""Thousands of two-leg trades through the real executor, rescue and journal, against venues that fail at random.

After each trade the venues' own books are held against what is promised: an order arrives at most once; what stands
open is never more than one leg; a hedge never makes it larger; a trade ends even, as dust that no venue takes, or with
a person; it never loses more than was approved with it; and the journal has the fills that the venues have.
"""

from collections import Counter
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

from core.draws import seeded
from core.drill.limits import FAR, MUCH
from core.drill.venues import VENUES, Clock, FaultyVenue, Prices
from core.execution.accounts import Accounts
from core.execution.executor import Executor
from core.execution.hedging import Standing, is_dust, standing
from core.execution.holdings import Holdings, paper_stock
from core.execution.journal import Journal, read_orders
from core.execution.lattice import objection
from core.execution.limits import Limits
from core.execution.orders import EXACT, Broker, Fill, Order, Refusal, Trade, is_leg
from core.execution.planning import Ids, plan
from core.execution.rescue import Rescue
from core.execution.surroundings import Surroundings
from core.instruments import Instruments, shipped
from core.latency import Latencies
from core.spreads.route import Opportunity, Route

SYMBOLS = {"BTC/USDT": 64_250.0, "SOL/USDT": 158.0, "DOGE/USDT": 0.214}
FEE = Decimal("0.001")
LIMITS = FAR.model_copy(update={"max_order_notional": Decimal(1000)})
MAX_AGE_MS = 1_000


class LegsDrill:
    """One run. `broken` lists every promise that was not kept."""

    def __init__(self, journal: Journal, seed: int, fault_share: float, clock: Clock) -> None:
        self._draw = seeded(seed)
        self._clock, self._journal = clock, journal
        self._instruments = Instruments(shipped(), dict.fromkeys(VENUES, FEE))
        self._prices = Prices(SYMBOLS, self._instruments, clock, self._draw)
        self._venues = {
            name: FaultyVenue(
                name,
                self._prices,
                self._instruments,
                clock,
                self._draw,
                fault_share=fault_share,
                fee_in_coin=name == "binance",
            )
            for name in VENUES
        }
        brokers: dict[str, Broker] = dict(self._venues)
        self._accounts = Accounts()
        self._limits = Limits(LIMITS, self._accounts, max_quote_age_ms=MAX_AGE_MS)
        holdings = Holdings(paper_stock(self._prices.quote, SYMBOLS, MUCH), self._instruments)
        self._executor = Executor(
            self._limits,
            journal,
            brokers,
            Latencies(),
            self._accounts,
            self._prices.quote,
            clock,
            rescue=lambda executor: Rescue(self._surroundings(executor, brokers, holdings)),
            holdings=holdings,
            proof=self._objection,
        )
        self._limits.arm()
        self._ids = Ids("drl", 1_800_000_000)
        self.endings: Counter[str] = Counter()
        self.hedges: Counter[str] = Counter()
        self.broken: list[str] = []
        self.worst_share = Decimal(0)  # the largest loss, as a share of what was approved with its trade

    async def run(self, trades: int) -> None:
        while sum(self.endings.values()) < trades:  # at some moments no route pays
            await self._one()

    def report(self) -> dict[str, Any]:
        faults: Counter[str] = Counter()
        for venue in self._venues.values():
            faults.update(venue.faults)
        rescue = self._executor.rescue
        assert rescue is not None
        return {
            "trades": sum(self.endings.values()),
            "endings": dict(self.endings),
            "orders": self._executor.counts(),
            "hedges": dict(self.hedges),
            "faults": dict(faults),
            "worst_loss_of_approved": f"{self.worst_share:.4f}",
            "naked_seconds": {name: f"{amount:.0f}" for name, amount in rescue.naked.seconds(self._clock()).items()},
            "broken": self.broken,
        }

    async def _one(self) -> None:
        trade = self._trade()
        if trade is None:
            return
        took = await self._executor.take(trade, decided_ns=self._clock(), automatic=True)
        if isinstance(took, Refusal):
            self.endings[f"refused: {took.reason}"] += 1
            return
        rescue = self._executor.rescue
        assert rescue is not None
        manual = [one for one in rescue.exposures() if one.owner == "person"]
        self.endings["person" if manual else "even"] += 1
        self._check(trade, with_person=bool(manual))
        for one in manual:
            rescue.release(one.trade_id)

    def _trade(self) -> Trade | None:
        """Return a trade on a route that pays at this moment."""
        symbol = self._draw.choice(list(SYMBOLS))
        buy, sell = self._draw.sample(VENUES, 2)
        self._prices.jolt(symbol)
        self._prices.cross(symbol, buy, sell, self._draw.uniform(60, 90))
        ticks = self._prices.quote(buy, symbol), self._prices.quote(sell, symbol)
        if ticks[0] is None or ticks[1] is None:
            return None
        size = min(ticks[0].ask_volume, ticks[1].bid_volume)
        found = Opportunity(Route(symbol, buy, sell), ticks[0], ticks[1], 40.0, size, self._clock())
        trade = plan(found, self._instruments, LIMITS, ids=self._ids, now_ns=self._clock())
        return None if isinstance(trade, Refusal) else trade

    # -- what is promised

    def _check(self, trade: Trade, *, with_person: bool) -> None:
        self._clock.pass_s(10)
        for venue in self._venues.values():
            venue.catch_up()
        orders = self._orders_of(trade)
        for order in orders:
            if len(self._venues[order.venue].arrived[order.client_id]) > 1:
                self._break(trade, f"{order.client_id} arrived twice")
        self._check_hedges(trade, orders)
        truth = self._truth(orders)
        if with_person:
            return
        booked = [
            (one.order, fill)
            for one in self._executor.orders()
            if one.order.trade_id == trade.trade_id
            for fill in one.fills
        ]
        if standing(booked) != truth:
            self._break(trade, f"the desk holds {standing(booked)}, the venues {truth}")
        swept = any(order.client_id[-1] == "z" for order in orders)  # dust of other trades came in
        mid = self._prices.mid(trade.route.symbol)
        if not swept and not self._is_dust(truth.base, trade.route.symbol):
            self._break(trade, f"{truth.base} was left open")
        if not swept:
            self._check_loss(trade, truth, mid)

    def _is_dust(self, base: Decimal, symbol: str) -> bool:
        """Return whether no venue would take it at its own price."""
        return all(
            is_dust(base, self._prices.mid_of(venue, symbol), symbol, [venue], self._instruments) for venue in VENUES
        )

    def _check_hedges(self, trade: Trade, orders: list[Order]) -> None:
        legs = [one for one in orders if is_leg(one.client_id)]
        hedges = [one for one in orders if one not in legs and one.client_id[-1] != "z"]
        open_ = self._truth(legs).base
        for order in hedges:
            self.hedges[order.client_id[-2]] += 1
            after = open_ + self._truth([order]).base
            signed = order.size if order.side == "buy" else -order.size
            if abs(open_ + signed) >= abs(open_) or (open_ + signed) * open_ < 0:
                self._break(trade, f"{order.client_id} of {signed} against {open_}")
            open_ = after
        with localcontext(EXACT):
            if abs(open_) > trade.buy.size:
                self._break(trade, f"{open_} is more than one leg")

    def _check_loss(self, trade: Trade, truth: Standing, mid: Decimal) -> None:
        with localcontext(EXACT):
            dust = abs(truth.base) * mid  # what no venue takes is not sold: it counts neither way
            lost = -truth.cash - dust
            self.worst_share = max(self.worst_share, lost / trade.max_loss)
            if lost > trade.max_loss:
                self._break(trade, f"lost {lost:.4f}, approved were {trade.max_loss:.4f}")

    def _orders_of(self, trade: Trade) -> list[Order]:
        found = [
            orders[0]
            for venue in self._venues.values()
            for name, orders in venue.arrived.items()
            if name.startswith(trade.trade_id)
        ]
        for venue in self._venues.values():  # what was checked need not be searched again
            venue.arrived = {k: v for k, v in venue.arrived.items() if k.startswith(trade.trade_id)}
        return sorted(found, key=lambda order: order.client_id[-1])

    def _truth(self, orders: list[Order]) -> Standing:
        fills: list[tuple[Order, Fill]] = []
        for order in orders:
            fills += [(order, fill) for fill in self._venues[order.venue].fills.get(order.client_id, ())]
        return standing(fills)

    def _break(self, trade: Trade, how: str) -> None:
        self.broken.append(f"{trade.trade_id}: {how}")

    def _surroundings(self, executor: Executor, brokers: dict[str, Broker], holdings: Holdings) -> Surroundings:
        return Surroundings(
            brokers=brokers,
            instruments=self._instruments,
            settings=LIMITS,
            quote=self._prices.quote,
            max_quote_age_ns=MAX_AGE_MS * 1_000_000,
            clock_ns=self._clock,
            send=executor.hedge,
            account_for=executor.account_for,
            may_hedge=self._limits.may_hedge,
            spendable=holdings.spendable,
            sleep=self._clock.sleep,
        )

    def _objection(self, order: Order) -> str:
        instrument = self._instruments.find(order.venue, order.symbol)
        return objection(order, instrument) if instrument is not None else "no lattice is known"


async def drill_legs(folder: Path, *, trades: int, seed: int, fault_share: float = 0.3) -> dict[str, Any]:
    """Run `trades` trades with a journal in `folder`; return the report. Its "broken" is empty if all promises held."""
    clock, path = Clock(), folder / "legs.sqlite"
    async with Journal.open(path, mode="drill", run_id="drill", clock_ns=clock) as journal:
        drill = LegsDrill(journal, seed, fault_share, clock)
        await drill.run(trades)
        await journal.flush()
        report = drill.report()
    unproven = [one.order.client_id for one in read_orders(path, limit=10**9) if one.state in ("intent", "sent")]
    return {**report, "seed": seed, "without_fate": len(unproven)}
