"""Where a coin is cheapest and where it is dearest, whatever it is quoted in. Pure: values in, values out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from operator import itemgetter
from typing import NamedTuple

from core.spreads.detector import NO_EDGE_BPS
from core.spreads.numeraire import BPS, Rate
from core.tick import Tick

Fees = Mapping[tuple[str, str], float]  # (venue, symbol) -> what an order that takes costs there, as a fraction
_WORTH = itemgetter(0)


class Side(NamedTuple):
    """One venue's price of a coin, in the numeraire: what one costs there, or brings, its fee and the rate counted."""

    worth: float
    tick: Tick
    aside: bool  # the name may mean another thing there


def sides(
    ticks: Sequence[Tick], rate: Rate, fees: Fees, aside: Collection[tuple[str, str]]
) -> tuple[list[Side], list[Side]]:
    """Return where to buy, the cheapest first, and where to sell, the dearest first, of one symbol at one rate."""
    held = [(tick, fees[tick.exchange_id, tick.symbol], (tick.exchange_id, tick.symbol) in aside) for tick in ticks]
    buys = [Side(tick.ask_price * (1 + fee) * rate.ask, tick, named) for tick, fee, named in held]
    sells = [Side(tick.bid_price * (1 - fee) * rate.bid, tick, named) for tick, fee, named in held]
    return sorted(buys, key=_WORTH), sorted(sells, key=_WORTH, reverse=True)


def chosen(buys: Sequence[Side], sells: Sequence[Side]) -> Iterator[tuple[Side, Side]]:
    """Yield the best pair on two venues. A wrong unit somewhere is told, and must not hide what really pays."""
    first = buys[0], sells[0]
    if first[0].tick.exchange_id != first[1].tick.exchange_id and not is_strange(*first):
        yield first
        return
    some = [(buy, sell) for buy, sell in product(buys[:3], sells[:3]) if buy.tick.exchange_id != sell.tick.exchange_id]
    for strange in (False, True):
        alike = [both for both in some if is_strange(*both) == strange]
        if alike:
            yield max(alike, key=lambda both: both[1].worth / both[0].worth)


def is_strange(bought: Side, sold: Side) -> bool:
    """Return whether the two names may mean different things."""
    return bought.aside or sold.aside or sold.worth > bought.worth * (1 + NO_EDGE_BPS / BPS)
