"""Where orders go: to paper venues, which fill against the book, or through the order gateway to live ones."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.execution.holdings import Stock, paper_stock
from core.execution.orders import Broker
from core.execution.paper import PaperBroker
from core.execution.paperbooks import PaperBooks
from core.execution.recovery import Balances
from core.instruments import Instruments
from core.live.link import Link
from core.notices import Notify
from core.settings import Settings
from core.spreads.detector import Detector
from core.tick import Tick


def _nothing(_venue: str = "") -> str:
    return ""


def _no_move() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Brokerage:
    """The venues as places to trade."""

    brokers: Mapping[str, Broker]
    stock: Stock  # what a venue held before its first order
    statements: Mapping[str, Balances]  # the venues that can be asked what they hold
    why_not: Callable[[str], str] = _nothing  # (venue) -> why no order can be sent there at this moment
    why_not_any: Callable[[], str] = _nothing  # why none can be sent at all
    opened: Callable[[], bool] = _no_move  # whether an account was opened since somebody asked


def on_paper(
    settings: Settings,
    detector: Detector,
    instruments: Instruments,
    books: PaperBooks | None,
    clock_ns: Callable[[], int] = time.time_ns,
) -> Brokerage:
    """Return paper venues; what they hold, and what became of their orders, survives the desk in `books`."""
    book, max_age_ns = detector.book, settings.spreads.max_quote_age_ms * 1_000_000

    def fresh_quote(venue: str, symbol: str) -> Tick | None:
        """Return what a paper venue fills against: never a quote that we would not trade on ourselves."""
        tick = book.quote(venue, symbol)
        if tick is None or tick.bid_price >= tick.ask_price or clock_ns() - tick.received_ns > max_age_ns:
            return None
        return tick

    latency_s = settings.paper.latency_ms / 1e3
    brokers = {venue: PaperBroker(venue, fresh_quote, instruments, latency_s, clock_ns, books) for venue in book.venues}
    stock = paper_stock(book.quote, settings.symbols, settings.paper.start_worth)
    if books is None:
        return Brokerage(brokers, stock, {})
    statements = {venue: books.balances(venue) for venue in book.venues}
    return Brokerage(brokers, books.stock(stock), statements, opened=books.newly_opened)


def through(link: Link) -> Brokerage:
    """Return the live venues behind the gateway."""
    return Brokerage(link.brokers, _unlimited, link.accounts, link.why_not, link.why_not_any)


def learn_lattices(link: Link, instruments: Instruments, settings: Settings, notify: Notify) -> None:
    """Take the live venues' own word for their lattices, and say what differs from what was known."""
    for venue, listed in link.instruments.items():
        for stated in listed:
            if instruments.learn(stated):
                notify("info", f"{venue} trades {stated.symbol} at ticks of {stated.tick_size:f}, lots of "
                       f"{stated.lot_size:f}, from {stated.min_size:f} and {stated.min_notional:f} on")  # fmt: skip
        for symbol in set(settings.symbols) - {stated.symbol for stated in listed}:
            instruments.forget(venue, symbol)
            notify("warning", f"{venue} does not trade {symbol} at this moment")


def _unlimited(_venue: str, _currency: str) -> Decimal | None:
    """Return that any amount is there: what a live venue holds is its to say."""
    return None
