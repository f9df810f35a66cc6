"""When one venue's quotes of a symbol shall be wrong, in which of five ways: seeded, and known to the last moment.

    spike   off at once by 12 to 18 bps, and back
    drift   leaves the market slowly, up to as much
    stuck   says nothing, while it moves elsewhere
    wide    bid and ask are 20 to 40 times further apart
    scale   ten times the price, or a tenth of it

None of them pays after two taker fees of 10 bps, so none is a crossing; a scale error seems to, and is a ghost.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, get_args

from core.draws import seeded
from core.sim.listings import VENUES
from core.sim.market import Market
from core.sim.quotes import BPS

Bend = Literal["spike", "drift", "stuck", "wide", "scale"]
BENDS: tuple[Bend, ...] = get_args(Bend)
LASTS_S: dict[Bend, tuple[float, float]] = {
    "spike": (1.5, 4.0),
    "drift": (4.0, 8.0),
    "stuck": (5.0, 9.0),
    "wide": (2.0, 5.0),
    "scale": (1.5, 4.0),
}
FAR_BPS = (12.0, 18.0)
WIDER = (20.0, 40.0)


class Anomaly(NamedTuple):
    """One to come."""

    kind: Bend
    venue: str
    symbol: str
    pause_s: float  # after the one before
    lasts_s: float
    strength: float  # -1 to 1: how far, and to which side

    def bend(self, market: Market, passed_s: float) -> None:
        """Make the venue's next quotes what they are `passed_s` after the beginning."""
        line = market.line(self.venue, self.symbol)
        far = FAR_BPS[0] + abs(self.strength) * (FAR_BPS[1] - FAR_BPS[0])
        bent = math.copysign(far * BPS, self.strength)
        match self.kind:
            case "spike":
                line.bent = bent
            case "drift":
                line.bent = bent * min(1.0, passed_s / (0.7 * self.lasts_s))
            case "wide":
                line.stretch = WIDER[0] + abs(self.strength) * (WIDER[1] - WIDER[0])
            case "scale":
                line.bent = math.copysign(math.log(10), self.strength)

    def straighten(self, market: Market) -> None:
        line = market.line(self.venue, self.symbol)
        line.bent, line.stretch = 0.0, 1.0


def anomalies(symbols: Sequence[str], seed: int, per_s: float, venues: Sequence[str] = VENUES) -> Iterator[Anomaly]:
    """Yield what comes to `symbols` for ever: all kinds in turn, in an order of the seed's."""
    draw = seeded(f"{seed} anomalies")
    while per_s > 0:
        for kind in draw.sample(BENDS, len(BENDS)):
            yield Anomaly(
                kind,
                draw.choice(venues),
                draw.choice(list(symbols)),
                min(draw.expovariate(per_s), 4 / per_s),
                draw.uniform(*LASTS_S[kind]),
                draw.uniform(-1.0, 1.0),
            )
