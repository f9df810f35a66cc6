"""What models are asked about the desk itself, in ratios: its open tickets, and what each route brought in this run."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from core.analysis.proposals import Session
from core.analysis.questions import RouteNumbers
from core.analysis.watch import Offer
from core.execution.orders import Placed, currencies
from core.execution.tickets import Ticket
from core.spreads.detector import Detector
from core.spreads.route import Opportunity, Route

MOST_ROUTES = 12  # that the strategy is asked about


class SessionBook:
    """What each route brought in this run, in ratios: what the strategy is asked about."""

    def __init__(self) -> None:
        self._found: dict[Route, tuple[int, float]] = {}  # opportunities, and the sum of their edges in bps

    def note(self, opportunity: Opportunity) -> None:
        times, total = self._found.get(opportunity.route, (0, 0.0))
        self._found[opportunity.route] = times + 1, total + opportunity.edge_bps

    def session(self, orders: Iterable[Placed], session_s: float, slippage_bps: float, send_ms: float) -> Session:
        """Return the routes that paid most often, with what became of their trades."""
        often = sorted(self._found.items(), key=lambda one: -one[1][0])[:MOST_ROUTES]
        results = _results(orders)
        routes = tuple(
            RouteNumbers(n, *route, times, total / times, *results.get(route, (0, 0, 0.0)))
            for n, (route, (times, total)) in enumerate(often)
        )
        return Session(session_s, slippage_bps, send_ms, routes)


def _results(orders: Iterable[Placed]) -> dict[Route, tuple[int, int, float]]:
    """Return for each route: trades filled in full, others, and the net result in bps of what was bought."""
    trades: dict[str, dict[str, Placed]] = {}
    for placed in orders:
        trades.setdefault(placed.order.trade_id, {})[placed.order.side] = placed
    sums: dict[Route, tuple[int, int, Decimal, Decimal]] = {}
    for legs in trades.values():
        if len(legs) != 2:
            continue
        buy, sell = legs["buy"], legs["sell"]
        route = Route(buy.order.symbol, buy.order.venue, sell.order.venue)
        filled, missed, net, bought = sums.get(route, (0, 0, Decimal(0), Decimal(0)))
        if buy.state == sell.state == "filled":
            paid, got = _value(buy), _value(sell)
            filled, net, bought = filled + 1, net + got - paid - _fees(buy) - _fees(sell), bought + paid
        else:
            missed += 1
        sums[route] = filled, missed, net, bought
    return {
        route: (filled, missed, float(net / bought * 10_000) if bought else 0.0)
        for route, (filled, missed, net, bought) in sums.items()
    }


def _value(placed: Placed) -> Decimal:
    return sum((fill.price * fill.size for fill in placed.fills), Decimal(0))


def _fees(placed: Placed) -> Decimal:
    """Return an order's fees in the quote currency; those in another one than base and quote are left out."""
    base, quote = currencies(placed.order.symbol)
    fees = placed.fees
    return fees.get(quote, Decimal(0)) + fees.get(base, Decimal(0)) * (placed.average or Decimal(0))


def offers(tickets: Iterable[Ticket], detector: Detector, now_ns: int) -> Iterator[Offer]:
    """Yield the open tickets in ratios, as the risk task is asked about them."""
    for ticket in tickets:
        if ticket.state != "open":
            continue
        trade = ticket.trade
        bought, sold = (detector.book.quote(order.venue, order.symbol) for order in trade.legs)
        if bought is None or sold is None:
            continue
        notional = float(trade.buy.size * trade.buy_price)
        yield Offer(
            ticket.ticket_id,
            trade.route,
            trade.edge_bps,
            float(trade.worst_profit) / notional * 1e4,
            (now_ns - min(bought.received_ns, sold.received_ns)) / 1e6,
            (now_ns - ticket.opened_ns) / 1e9,
            min(bought.ask_volume, sold.bid_volume) / float(trade.buy.size),
        )
