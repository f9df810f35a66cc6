"""What no order may pass: the last word before the journal, and again after it."""

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext

from core.analysis.verdicts import Verdicts
from core.execution.accounts import Accounts
from core.execution.orders import EXACT, Reason, Refusal, Trade, currencies, exact
from core.settings import LimitSettings
from core.spreads.route import Route
from core.tick import Tick

MAX_IN_FLIGHT = 8  # trades; one more is refused, it would be late anyway


class Limits:
    """Whether orders may leave, and which. A desk starts disarmed; a halt disarms; arming lifts a halt."""

    def __init__(
        self,
        settings: LimitSettings,
        accounts: Accounts,
        *,
        max_quote_age_ms: int,
        max_in_flight: int = MAX_IN_FLIGHT,
        advice: Verdicts | None = None,
        late_ns: Callable[[Tick, int], int] = lambda *_: 0,
        opened_ns: Callable[[Route], int] = lambda _: 0,
    ) -> None:
        """`advice`: what models say of a route; it is read here and nowhere on the way of a hedge or an unwind.

        `late_ns`: how much longer than usual a quote was on its way to us: it is older by that. `opened_ns`: when the
        present opportunity of a route opened; 0: it has none.
        """
        self._settings = settings
        self._advice, self._late_ns, self._opened_ns = advice, late_ns, opened_ns
        self._accounts = accounts
        self._max_age_ns = max_quote_age_ms * 1_000_000
        self._max_in_flight = max_in_flight
        self._in_flight: dict[str, Trade] = {}
        self.armed = False
        self.armed_until_ns = 0  # then no order leaves any more; 0: until somebody disarms it
        self.halted = False
        self.halted_why = ""
        self.halted_all = False
        self.trusted = False  # somebody has armed this run: what it began may be hedged
        self.refused: Counter[Reason] = Counter()

    def arm(self, until_ns: int = 0) -> None:
        """Let orders leave until then; 0: until somebody disarms it."""
        self.armed, self.armed_until_ns = True, until_ns
        self.halted, self.halted_why = False, ""
        self.halted_all, self.trusted = False, True

    def disarm(self) -> None:
        self.armed, self.armed_until_ns = False, 0

    def halt(self, why: str, *, hedges_too: bool = False) -> None:
        self.disarm()
        self.halted, self.halted_why = True, why
        self.halted_all = self.halted_all or hedges_too

    @property
    def in_flight(self) -> int:
        """How many trades are between their intent and their fates."""
        return len(self._in_flight)

    def may_hedge(self) -> str:
        """Return why no hedge may leave; "" if it may. A halt lets hedges go on, unless it was meant for them too."""
        if self.halted_all:
            return f"halted, hedges too: {self.halted_why}"
        return "" if self.trusted else "hedges of an earlier run wait until the desk is armed"

    def begin(self, trade: Trade) -> None:
        """Hold `trade` for in flight: it counts against the limits as if it had gone as badly as it may."""
        self._in_flight[trade.trade_id] = trade

    def end(self, trade: Trade) -> None:
        self._in_flight.pop(trade.trade_id, None)

    def check(
        self, trade: Trade, buy: Tick | None, sell: Tick | None, now_ns: int, known: Reason | None = None
    ) -> Refusal | None:
        """Return why `trade` may not be sent at `now_ns` against the current quotes of its two venues, or None.

        `known`: what the same was refused for when it was last tried; that is not counted again.
        """
        with localcontext(EXACT):
            refusal = (
                self._check_state(now_ns)
                or self._check_time(trade, now_ns)
                or self._check_quote(trade.route.buy, buy, now_ns)
                or self._check_quote(trade.route.sell, sell, now_ns)
                or _check_moved(trade, buy, sell)
                or _check_profit(trade, buy, sell)
                or self._check_advice(trade, now_ns, known)
                or self._check_busy(trade)
                or self._check_money(trade, now_ns)
            )
        return self.refuse(refusal.reason, refusal.detail, known) if refusal is not None else None

    def refuse(self, reason: Reason, detail: str, known: Reason | None = None) -> Refusal:
        """Return and count a refusal, whoever found it; see `check` for `known`."""
        if reason != known:
            self.refused[reason] += 1
        return Refusal(reason, detail)

    def timed_out(self, now_ns: int) -> bool:
        """Return whether the desk is armed for longer than it was meant to be."""
        return self.armed and 0 < self.armed_until_ns <= now_ns

    def _check_state(self, now_ns: int) -> Refusal | None:
        if self.halted:
            return Refusal("halted", self.halted_why)
        if self.timed_out(now_ns):
            return Refusal("disarmed", "it was armed for long enough: arm it again")
        return None if self.armed else Refusal("disarmed", "arm the desk first")

    @staticmethod
    def _check_time(trade: Trade, now_ns: int) -> Refusal | None:
        late_ns = now_ns - min(trade.buy.deadline_ns, trade.sell.deadline_ns)
        return Refusal("deadline", f"{late_ns / 1e6:.1f} ms too late") if late_ns > 0 else None

    def _check_quote(self, venue: str, quote: Tick | None, now_ns: int) -> Refusal | None:
        if quote is None:
            return Refusal("stale", f"{venue} has no quote")
        age_ns = now_ns - quote.received_ns + self._late_ns(quote, now_ns)
        if abs(age_ns) > self._max_age_ns:  # one from the future says that a clock is wrong, and its age is not known
            return Refusal("stale", f"{venue}: {age_ns / 1e6:,.0f} ms old, the limit is {self._max_age_ns / 1e6:,.0f}")
        if quote.bid_price >= quote.ask_price:
            return Refusal("crossed", f"{venue} bids {quote.bid_price} and asks {quote.ask_price}")
        return None

    def _check_advice(self, trade: Trade, now_ns: int, known: Reason | None) -> Refusal | None:
        if self._advice is None or not (veto := self._advice.verdict(trade.route, now_ns).veto):
            return None
        self._advice.refused(trade.route, self._opened_ns(trade.route), now_ns, again=known == "vetoed")
        return Refusal("vetoed", veto)

    def _check_busy(self, trade: Trade) -> Refusal | None:
        others = [other for trade_id, other in self._in_flight.items() if trade_id != trade.trade_id]
        if any(other.route.symbol == trade.route.symbol for other in others):
            return Refusal("busy", f"a trade of {trade.route.symbol} is still in flight")
        if len(others) >= self._max_in_flight:
            return Refusal("busy", f"{len(others)} trades are still in flight")
        return None

    def _check_money(self, trade: Trade, now_ns: int) -> Refusal | None:
        quote, limits = currencies(trade.route.symbol)[1], self._settings
        notional = max(trade.buy.size * trade.buy.price, trade.sell.size * trade.sell_price)
        waiting = [
            other
            for trade_id, other in self._in_flight.items()
            if trade_id != trade.trade_id and currencies(other.route.symbol)[1] == quote
        ]
        at_risk = sum((other.buy.size * other.buy.price for other in waiting), notional)
        at_stake = sum((other.max_loss for other in [*waiting, trade]), Decimal(0))
        bought = self._accounts.worst_bought(trade.route.symbol, now_ns) + trade.buy.size * trade.buy.price
        return (
            _over("max_order_notional", notional, limits.max_order_notional, quote)
            or _over("max_symbol_notional", bought, limits.max_symbol_notional, quote)
            or self._check_day([*waiting, trade], quote, now_ns)
            or _over(
                "max_open_exposure", self._accounts.worst_exposure(quote) + at_risk, limits.max_open_exposure, quote
            )
            or _over(
                "max_daily_loss", self._accounts.loss_today(quote, now_ns) + at_stake, limits.max_daily_loss, quote
            )
        )

    def _check_day(self, trades: Sequence[Trade], quote: str, now_ns: int) -> Refusal | None:
        """Hold what the day would come to, if all of `trades` filled, against the limits; the last one is asked for.

        Hedges are never asked about here, and count once they are filled. A sell counts in flight at the bid that was
        seen: no limit order bounds by how much better it may fill.
        """
        traded = self._accounts.worst_traded(quote, now_ns)
        for one in trades:
            for leg, price in ((one.buy, one.buy.price), (one.sell, max(one.sell.price, one.sell_price))):
                traded[leg.venue] = traded.get(leg.venue, Decimal(0)) + leg.size * price
        for leg in trades[-1].legs:
            limit = self._settings.max_venue_notional
            if refusal := _over("max_venue_notional", traded[leg.venue], limit, quote, f"{leg.venue}: "):
                return refusal
        total = sum(traded.values(), Decimal(0))
        return _over("max_daily_notional", total, self._settings.max_daily_notional, quote)


def _check_moved(trade: Trade, buy: Tick | None, sell: Tick | None) -> Refusal | None:
    if buy is not None and exact(buy.ask_price) > trade.buy.price:
        return Refusal("moved", f"{trade.route.buy} asks {buy.ask_price}, the worst to pay is {trade.buy.price:f}")
    if sell is not None and exact(sell.bid_price) < trade.sell.price:
        return Refusal("moved", f"{trade.route.sell} bids {sell.bid_price}, the worst to take is {trade.sell.price:f}")
    return None


def _check_profit(trade: Trade, buy: Tick | None, sell: Tick | None) -> Refusal | None:
    """Slippage is room for what moves after the orders left; what has moved before must still leave a profit.

    The fees are those of the prices seen: on the move itself they are thousandths of it.
    """
    if buy is None or sell is None:
        return None
    moved = exact(sell.bid_price) - trade.sell_price - (exact(buy.ask_price) - trade.buy_price)
    profit = trade.profit + trade.buy.size * moved
    if profit > 0:
        return None
    return Refusal("moved", f"at the prices of this moment it would bring {profit:.4f}")


def _over(reason: Reason, amount: Decimal, limit: Decimal, currency: str, where: str = "") -> Refusal | None:
    if amount <= limit:
        return None
    return Refusal(reason, f"{where}it could come to {amount:.2f} {currency}, and the limit is {limit:f}")
