"""What quote currencies are worth, routes across them, and what coins cost more where strangers cannot trade: lines."""

from console.panes.sheet import Line, Picture, clipped
from console.panes.spreads import GHOST, MEANING
from console.panes.text import NOTHING, age, amount, bps, inert, left, right
from core.spreads.shown import CrossView, PremiumView, RateView
from core.tick import Cause

WIDE = 110  # columns from which on the rates' age and the size are there too
STATE, ROUTE = 17, 30  # columns
PREMIUMS = 6  # at most, above the routes
ACROSS: dict[Cause, str] = {
    "inventory": "nothing here changes what is earned back into what was paid, so it is not traded",
    "basis": "a stablecoin in it has left its dollar",
}


def lines(picture: Picture, width: int) -> list[Line]:
    """Return all of it: what there is to know first, what there may be much of last."""
    snapshot = picture.snapshot
    if not snapshot.rates:
        told = "The desk's symbols tell no rate between currencies: add some, such as USDT/USD or USDT/KRW"
        return [clipped([(f" {told}", "dim")], width)]
    unit = next((rate.currency for rate in snapshot.rates if not rate.venues), "")
    made = [_rates_head(unit), *(_rate(rate, picture) for rate in snapshot.rates), []]
    dear = [one for one in snapshot.premiums if picture.filter.upper() in one.base]
    if dear:
        made += [_premium_head(), *(_premium(one, picture) for one in dear[:PREMIUMS])]
        more = f" and {len(dear) - PREMIUMS} more: / filters by coin"
        made += [[(more, "dim")], []] if len(dear) > PREMIUMS else [[]]
    shown = [one for one in snapshot.cross if picture.filter.upper() in one.base]
    made += [*_counts(picture), _cross_head(width), *(_cross(one, picture, width) for one in shown)]
    if not shown:
        made.append([(" No coin is quoted in two currencies that both have a rate", "dim")])
    made.append([])
    made += [[(f" {GHOST} ", "ghost"), (f"{cause}: {meaning}", "dim")] for cause, meaning in _causes(shown)]
    return [clipped(line, width) for line in made]


def _rates_head(unit: str) -> Line:
    names = (
        f" {left('rate', 6)}{right(f'bid {unit}', 14)}{right(f'ask {unit}', 14)}{right('from $', 8)}{right('age', 7)}"
    )
    return [(f"{names}  from", "dim")]


def _rate(rate: RateView, picture: Picture) -> Line:
    far = NOTHING if rate.far_bps is None else bps(rate.far_bps)
    old = age(picture.since_ns(rate.age_ns)) if rate.venues else NOTHING
    line: Line = [(f" {left(inert(rate.currency), 6)}", "strong")]
    line.append((f"{right(f'{rate.bid:.8g}', 14)}{right(f'{rate.ask:.8g}', 14)}", "text"))
    line.append((right(far, 8), "bad" if rate.off else "text"))
    line.append((f"{right(old, 7)}  ", "dim"))
    if rate.off:
        line.append(("OFF ", "bad"))  # it has left its dollar
    return [*line, (_source(rate.venues, rate.symbols), "dim")]


def _cross_head(width: int) -> Line:
    names = f" {left('coin', 5)}{right('edge', 7)}{right('basis', 7)}{right('premium', 8)}{right('age', 6)}"
    more = f"{right('rate', 7)}{right('size', 8)}" if width >= WIDE else ""
    route = f"{left('buy → sell', ROUTE)}rates of" if width >= WIDE else "buy → sell"
    return [(f"{names}{more} {left('', STATE)}{route}", "dim")]


def _cross(one: CrossView, picture: Picture, width: int) -> Line:
    basis, premium = (NOTHING if value is None else bps(value) for value in (one.basis_bps, one.premium_bps))
    line: Line = [(f" {left(inert(one.base), 5)}", "strong")]
    line.append((right(bps(one.edge_bps), 7), "ghost" if one.cause else "good" if one.edge_bps > 0 else "text"))
    line.append((f"{right(basis, 7)}{right(premium, 8)}", "text"))
    line.append((right(age(picture.since_ns(one.age_ns)), 6), "dim"))
    if width >= WIDE:
        line.append((f"{right(age(picture.since_ns(one.rate_age_ns)), 7)}{right(amount(one.size), 8)}", "dim"))
    line.append((f" {left(_state(one), STATE)}", "ghost"))
    route = f"{_place(one.buy, one.buy_symbol)} → {_place(one.sell, one.sell_symbol)}"
    if width < WIDE:
        return [*line, (route, "text")]
    return [*line, (left(route, ROUTE), "text"), (_source(one.rate_venues, one.rate_symbols), "dim")]


def _state(one: CrossView) -> str:
    """Return why it is not traded; nothing if it does not even seem to pay."""
    if one.cause is None:
        return ""
    return f"{'pays ' if one.pays else ''}{GHOST} {one.cause}{f' {inert(one.off[0])}' if one.off else ''}"


def _place(venue: str, symbol: str) -> str:
    """Return a venue and the currency that it quotes the coin in."""
    return f"{inert(venue)} {inert(symbol.rpartition('/')[2])}"


def _counts(picture: Picture) -> list[Line]:
    counts = picture.snapshot.across
    ghosts = ", ".join(f"{inert(cause)} {times}" for cause, times in counts.ghosts.items()) or "none"
    told = f" Watched, not traded. Would have paid {counts.paid} times; ghosts: "
    return [[(told, "text"), (ghosts, "ghost" if counts.ghosts else "dim")]]


def _premium_head() -> Line:
    names = f" {left('premium', 9)}{left('venue', 10)}{left('symbol', 10)}{right('bps', 9)}{right('of', 4)}"
    return [(f"{names}{right('age', 7)}{right('rate', 7)}  over elsewhere, at", "dim")]


def _premium(one: PremiumView, picture: Picture) -> Line:
    names = f" {left(inert(one.base), 9)}{left(inert(one.venue), 10)}{left(inert(one.symbol), 10)}"
    ages = f"{right(age(picture.since_ns(one.age_ns)), 7)}{right(age(picture.since_ns(one.rate_age_ns)), 7)}"
    return [
        (names, "text"),
        (right(bps(one.premium_bps), 9), "up" if one.premium_bps > 0 else "down"),
        (f"{right(str(one.world), 4)}{ages}  {_source(one.rate_venues, one.rate_symbols)}", "dim"),
    ]


def _causes(shown: list[CrossView]) -> list[tuple[Cause, str]]:
    causes = dict.fromkeys(one.cause for one in shown if one.cause)
    return [(cause, {**MEANING, **ACROSS}[cause]) for cause in causes]


def _source(venues: tuple[str, ...], symbols: tuple[str, ...]) -> str:
    if not venues:
        return "–"
    return inert(f"{', '.join(symbols)} of {', '.join(venues)}")
