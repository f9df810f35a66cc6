"""A coin bought in one quote currency and sold in another: what that earns at given rates. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from core.spreads.numeraire import BPS, DOLLAR, STABLE, Rate
from core.tick import Cause, Tick

DOLLARS = {DOLLAR, *STABLE}  # each is meant to be worth one of the others


class CrossRoute(NamedTuple):
    """Buy a coin for one currency, sell it for another."""

    base: str
    buy: str  # venue
    buy_symbol: str
    sell: str
    sell_symbol: str


class CrossEdge(NamedTuple):
    """What that earns, in bps of what was paid."""

    edge_bps: float  # after both taker fees and both rates' spreads
    basis_bps: float | None  # of it, what the two rates alone make against par; None: two currencies that have no par
    rate_ns: int  # our clock, of the oldest quote in both rates; 0: no rate was needed


class CrossNow(NamedTuple):
    """The best route of a coin between two currencies, at one moment."""

    route: CrossRoute
    edge: CrossEdge
    premium_bps: float | None  # how much dearer the coin is where it would be sold, middle against middle
    size: float  # base, the smaller of the two visible sizes
    quote_ns: int  # of the older of its two quotes
    rates: tuple[Rate, Rate]  # of the currency paid, of the one earned
    cause: Cause | None  # why an edge that there seems to be is none
    off: tuple[str, ...]  # stablecoins in it that have left their dollar
    pays: bool  # it would, were it traded
    quoted_ns: int = 0  # by its venue's clock, when the older of its two quotes was made


class Episode(NamedTuple):
    """A route across currencies paid from one moment to another, without a break."""

    route: CrossRoute
    first_ns: int
    last_ns: int
    quoted_ns: int = 0  # by its venue's clock, when the older of the two quotes was made that opened it


class Premium(NamedTuple):
    """How much more a coin costs on one venue in its own currency than in the rest of the world."""

    base: str
    venue: str
    symbol: str
    premium_bps: float
    world: int  # quotes in other currencies that it is held against: their middle one
    quote_ns: int
    rate: Rate  # of the venue's currency


def cross_edge(buy: Tick, sell: Tick, known: Mapping[str, Rate], buy_fee: float, sell_fee: float) -> CrossEdge | None:
    """Return what buying at `buy`'s ask and selling at `sell`'s bid earns; None where a currency has no rate."""
    paid, earned = known.get(quote_of(buy)), known.get(quote_of(sell))
    if paid is None or earned is None:
        return None
    cost, income = buy.ask_price * (1 + buy_fee) * paid.ask, sell.bid_price * (1 - sell_fee) * earned.bid
    edge_bps = (income / cost - 1) * BPS
    basis_bps = None
    if {quote_of(buy), quote_of(sell)} <= DOLLARS:
        at_par = sell.bid_price * (1 - sell_fee) / (buy.ask_price * (1 + buy_fee))
        basis_bps = edge_bps - (at_par - 1) * BPS
    aged = [rate.received_ns for rate in (paid, earned) if rate.received_ns]
    return CrossEdge(edge_bps, basis_bps, min(aged, default=0))


def premium_bps(local: Tick, world: Tick, known: Mapping[str, Rate]) -> float | None:
    """Return how much dearer `local` is than `world`, both in the numeraire, middle against middle; None: no rate."""
    here, there = known.get(quote_of(local)), known.get(quote_of(world))
    if here is None or there is None:
        return None
    dear = (local.bid_price + local.ask_price) * here.mid
    return (dear / ((world.bid_price + world.ask_price) * there.mid) - 1) * BPS


def quote_of(tick: Tick) -> str:
    """Return the currency that a tick's prices are in."""
    return tick.symbol.partition("/")[2]
