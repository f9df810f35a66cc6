"""What the desk shows, made from what its parts hold."""

from collections.abc import Iterable, Iterator, Mapping, Set
from decimal import Decimal, localcontext

from core.execution.accounts import Accounts
from core.execution.hedging import TRIES, WIDENS
from core.execution.holdings import Holdings
from core.execution.orders import EXACT, Order, Placed, currencies, exact
from core.execution.profit import Profit
from core.execution.rescue import Exposure, Rescue
from core.execution.tickets import Ticket
from core.feeds.collector import FeedState
from core.instruments import Instruments
from core.shown import (
    Edge,
    ExposureView,
    FeeView,
    Health,
    InventoryView,
    Leg,
    OrderView,
    ProfitView,
    Quote,
    RescuePlan,
    TicketView,
    VenueState,
    WorthView,
)
from core.spreads.arrivals import Arrivals, Copy
from core.spreads.detector import Detector
from core.spreads.route import Ghost, Opportunity, Route
from core.tick import Tick

LATE_NS = 100_000_000  # from here on it is told that a venue's quotes come late


def venue_state(feed: FeedState, ticks_per_s: float, copies: tuple[Copy, ...], behind_ns: int = 0) -> VenueState:
    """Return a venue as the desk shows it; `behind_ns`: how late its newest quotes came."""
    return VenueState(
        name=feed.name,
        health=feed.health,
        why="; ".join(filter(None, (_late(behind_ns), feed.why))),
        ticks=feed.ticks,
        ticks_per_s=ticks_per_s,
        last_ns=feed.last_ns,
        connects=feed.connects,
        rejected=feed.rejected,
        ignored=feed.ignored,
        mute=feed.mute,
        clock_ahead_ms=feed.clock_ahead_ms,
        clock_offset_ms=feed.clock_offset_ms,
        clock_bound_ms=feed.clock_bound_ms,
        late_ms=behind_ns / 1e6,
        copies=copies,
    )


def _late(behind_ns: int) -> str:
    return f"its quotes come {behind_ns / 1e9:.1f} s late" if behind_ns >= LATE_NS else ""


def read_venue(
    name: str, arrivals: Arrivals, ticks_per_s: float, silence_s: float, now_ns: int, behind_ns: int
) -> VenueState:
    """Return a venue that others collect, as far as the log tells; `behind_ns`: how late its newest quotes came."""
    last_ns, why = arrivals.last_ns.get(name, 0), _late(behind_ns)
    health: Health = "up"
    if not last_ns:
        health, why = "connecting", "nothing of it has come through the log yet"
    elif now_ns - last_ns > silence_s * 1e9:
        health, why = "silent", "nothing of it comes through the log: do its collectors run?"
    return VenueState(
        name,
        health,
        why,
        arrivals.entries[name],
        ticks_per_s,
        last_ns,
        copies=arrivals.copies(name),
        late_ms=behind_ns / 1e6,
    )


def quotes(detector: Detector, instruments: Instruments, max_age_ns: int, now_ns: int) -> Iterator[Quote]:
    """Yield every quote that the book holds, with the cause why it cannot be traded as it stands."""
    venues, late_by, behind = detector.book.venues, detector.instants.late_by, detector.instants.behind()
    nothing_late = behind.nothing
    for market in detector.book.markets.values():
        for number, tick in enumerate(market.ticks):
            if tick is None:
                continue
            cause = market.withdrawn[number]
            if cause is None and tick.bid_price >= tick.ask_price:
                cause = "crossed"
            if cause is None:
                late = 0 if nothing_late else late_by(tick, behind)
                if now_ns - tick.received_ns + late > max_age_ns:
                    cause = "stale"
            lattice = instruments.find(venues[number], market.symbol)
            yield Quote(
                venue=venues[number],
                symbol=market.symbol,
                bid_price=tick.bid_price,
                ask_price=tick.ask_price,
                bid_volume=tick.bid_volume,
                ask_volume=tick.ask_volume,
                received_ns=tick.received_ns,
                moved=_moved(market.before[number], tick),
                cause=cause,
                tick_size=str(lattice.tick_size) if lattice else "",
            )


def _moved(before: Tick | None, tick: Tick) -> int:
    """Return the sign of the mid price's move."""
    if before is None:
        return 0
    mid, mid_before = tick.bid_price + tick.ask_price, before.bid_price + before.ask_price
    return (mid > mid_before) - (mid < mid_before)


def edges(detector: Detector, now_ns: int) -> Iterator[Edge]:
    for route, edge_bps, size, finding, age_ns in detector.edges(now_ns):
        if finding is None:  # the most of them, and there may be tens of thousands
            yield Edge(route, edge_bps, size, False, None, age_ns)
        else:
            cause = finding.cause if isinstance(finding, Ghost) else None
            yield Edge(route, edge_bps, size, isinstance(finding, Opportunity), cause, age_ns)


def ticket_view(ticket: Ticket, live: Mapping[Route, Edge], rescue: RescuePlan | None = None) -> TicketView:
    trade = ticket.trade
    edge = live.get(trade.route)
    return TicketView(
        ticket_id=ticket.ticket_id,
        route=trade.route,
        buy=_leg(trade.buy, f"{trade.buy_price:f}"),
        sell=_leg(trade.sell, f"{trade.sell_price:f}"),
        edge_bps=trade.edge_bps,
        profit=_plain(trade.profit),
        worst_profit=_plain(trade.worst_profit),
        currency=currencies(trade.route.symbol)[1],
        code=ticket.code,
        opened_ns=ticket.opened_ns,
        expires_ns=ticket.expires_ns,
        state=ticket.state,
        why=ticket.why,
        by=ticket.by,
        max_loss=_plain(trade.max_loss),
        rescue=rescue,
        live_edge_bps=edge.edge_bps if edge else None,
        live_cause=edge.cause if edge else None,
        live_age_ns=edge.age_ns if edge else 0,
    )


def _leg(order: Order, seen_price: str) -> Leg:
    return Leg(order.side, order.venue, _plain(order.size), seen_price, f"{order.price:f}")


def rescue_plan(rescue: Rescue) -> RescuePlan:
    """Return what an approval agrees to besides its two legs."""
    desk = rescue.surroundings
    steps = tuple(float(desk.width_bps(attempt)) for attempt in range(1, WIDENS + 1))
    return RescuePlan(tuple(desk.brokers), TRIES, desk.rescue_s, steps)


def exposure_view(one: Exposure) -> ExposureView:
    return ExposureView(
        trade_id=one.trade_id,
        symbol=one.symbol,
        state=one.state,
        owner=one.owner,
        base=_plain(one.base),
        notional=f"{one.notional:.2f}",
        max_loss=_plain(one.max_loss),
        since_ns=one.since_ns,
        tries=one.tries,
        why=one.why,
    )


def profit_view(found: Profit, now_ns: int) -> ProfitView:
    """Return what fills came to in one currency, and how old the rates are that say so."""
    return ProfitView(
        numeraire=found.numeraire,
        total=_plain(found.total),
        missing=found.missing,
        rate_age_ns=now_ns - found.oldest_ns if found.oldest_ns else 0,
        parts=tuple(
            WorthView(
                part.currency,
                _plain(part.amount),
                _plain(part.value) if part.value is not None else "",
                f"{part.rate.mid:.10g}" if part.rate is not None else "",
                now_ns - part.rate.received_ns if part.rate is not None and part.rate.received_ns else 0,
            )
            for part in found.parts
        ),
    )


def fees(accounts: Accounts, instruments: Instruments) -> Iterator[FeeView]:
    """Yield what each venue charged beside what planning reckons with."""
    for charge in accounts.charges.all():
        with localcontext(EXACT):
            traded = accounts.charges.traded(charge).items()
            modelled = sum((sum_ * instruments.taker_fee(charge.venue, symbol) for symbol, sum_ in traded), Decimal(0))
        yield FeeView(
            charge.venue,
            charge.currency,
            _plain(charge.notional),
            _plain(modelled),
            _plain(charge.charged),
            {currency: _plain(amount) for currency, amount in charge.elsewhere.items()},
        )


def inventory(
    holdings: Holdings, accounts: Accounts, prices: Mapping[str, Decimal], per_trade: Decimal, quoted: Set[str]
) -> Iterator[InventoryView]:
    """Yield what each venue holds, and for how many trades of the notional `per_trade` it lasts.

    `prices` are in the quote currency, by currency; the quote currency itself is worth 1. `quoted`: those.
    """
    for held in holdings.all():
        price = prices.get(held.currency)
        free = max(held.amount - held.reserved, Decimal(0))
        yield InventoryView(
            venue=held.venue,
            currency=held.currency,
            amount=_plain(held.amount),
            reserved=_plain(held.reserved),
            trades_left=int(free * price / per_trade) if price is not None else None,
            moved=_plain(accounts.moved(held.venue, held.currency)),
            side="buy" if held.currency in quoted else "sell",
        )


def mid_prices(detector: Detector) -> dict[str, Decimal]:
    """Return the price of every currency that is traded, from one quote of it each; quote currencies are worth 1."""
    prices: dict[str, Decimal] = {}
    for symbol, market in detector.book.markets.items():
        base, quote = currencies(symbol)
        prices[quote] = Decimal(1)
        tick = next((one for one in market.ticks if one is not None), None)
        if tick is not None and base not in prices:
            prices[base] = exact((tick.bid_price + tick.ask_price) / 2)
    return prices


class OrderViews:
    """Makes the view of an order once for all that is known of it: most have ended, and stay as they are."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Placed, OrderView]] = {}

    def of(self, orders: Iterable[Placed], moments: Mapping[str, tuple[int, int]]) -> tuple[OrderView, ...]:
        """`moments`: when the tick of each trade was received, and when it was decided."""
        made: dict[str, tuple[Placed, OrderView]] = {}
        for placed in orders:
            held = self._made.get(placed.order.client_id)
            made[placed.order.client_id] = (
                held if held is not None and held[0] is placed else (placed, _order_view(placed, moments))
            )
        self._made = made
        return tuple(view for _, view in made.values())


def _order_view(placed: Placed, moments: Mapping[str, tuple[int, int]]) -> OrderView:
    order, average = placed.order, placed.average
    received_ns, decided_ns = moments.get(order.trade_id, (0, 0))
    return OrderView(
        client_id=order.client_id,
        trade_id=order.trade_id,
        venue=order.venue,
        symbol=order.symbol,
        side=order.side,
        size=_plain(order.size),
        price=f"{order.price:f}",
        state=placed.state,
        filled=_plain(placed.filled),
        average=f"{average:.12g}" if average is not None else "",
        fees=", ".join(f"{fee.normalize():.12g} {currency}" for currency, fee in placed.fees.items()),
        at_ns=placed.at_ns,
        why=placed.why,
        received_ns=received_ns,
        decided_ns=decided_ns,
        sent_ns=placed.sent_ns,
        answered_ns=placed.answered_ns,
    )


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
