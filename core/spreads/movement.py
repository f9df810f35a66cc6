"""How far a symbol moves within a given time, by what it did lately. Pure: times and prices in, bps out."""

from collections.abc import Sequence

STEP_NS = 100_000_000  # between two points that are kept
KEPT_NS = 5_000_000_000  # what is older tells nothing of the present
BPS = 1e4

Point = tuple[int, float]  # our clock (ns), the symbol's middle price


class Path:
    """Where the middle price of one symbol was in the last seconds, with straight lines between the points."""

    __slots__ = ("_known", "_points")

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._known: dict[int, float] = {}  # steps -> the furthest move within so many

    def note(self, at_ns: int, middle: float) -> None:
        """Take the next point; one from before the last is left out."""
        points = self._points
        if points and at_ns <= points[-1][0]:
            return
        gone = 0
        while gone < len(points) and at_ns - points[gone][0] > KEPT_NS:
            gone += 1
        if gone:
            del points[:gone]
        points.append((at_ns, middle))
        self._known.clear()

    def furthest_bps(self, within_ns: int, now_ns: int, middle: float) -> float:
        """Return the furthest that the price moved in any stretch of `within_ns` up to `now_ns`, where it is `middle`.

        Between whole steps it grows evenly, from nothing for two quotes of one moment.
        """
        if within_ns <= 0:
            return 0.0
        steps, rest_ns = divmod(within_ns, STEP_NS)
        less = self._furthest(steps, now_ns, middle) if steps else 0.0
        return less + (self._furthest(steps + 1, now_ns, middle) - less) * rest_ns / STEP_NS

    def _furthest(self, steps: int, now_ns: int, middle: float) -> float:
        points = self._points
        past = self._known.get(steps)
        if past is None:
            ranges = (_range_bps(points, at, *points[at], steps * STEP_NS) for at in range(len(points)))
            past = self._known[steps] = max(ranges, default=0.0)
        return max(past, _range_bps(points, len(points), now_ns, middle, steps * STEP_NS))


def _range_bps(points: Sequence[Point], end: int, at_ns: int, price: float, within_ns: int) -> float:
    """Return how far apart the prices were in the time `within_ns` before `at_ns`, when it was `price`.

    `end` is the number of points before that.
    """
    begin_ns, low, high = at_ns - within_ns, price, price
    for number in range(end - 1, -1, -1):
        point_ns, point = points[number]
        if point_ns < begin_ns < at_ns:
            point = price + (point - price) * (at_ns - begin_ns) / (at_ns - point_ns)
        low, high = min(low, point), max(high, point)
        if point_ns <= begin_ns:
            break
        at_ns, price = point_ns, point
    return (high - low) / low * BPS
