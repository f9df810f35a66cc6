"""Pane 4: how long each stage takes, as a histogram on a logarithmic axis."""

import math
from collections.abc import Callable, Mapping
from functools import partial

from console.panes.lines import Pane
from console.panes.sheet import Line, Picture, Sheet
from console.panes.story import duration, hops_of, last_traded, waterfall
from console.panes.text import BLOCKS, count, milliseconds
from core.latency import BOUNDS_MS, PARTS, STAGES, Percentiles, Stage

BUDGET_MS = 50.0  # for the p99 of tick_to_order
BUDGET_BAR = next(at for at, bound in enumerate(BOUNDS_MS) if bound >= BUDGET_MS)  # the bar that holds it
NAME, NUMBERS = 15, 5 * 7
MOST_CELL = 8  # columns of a bar
NO_DATA: dict[Stage, str] = {
    "feed": "no data: no venue stamps its events",
    "opportunity": "no data: none was found yet",
    "approve": "no data: no ticket was approved yet",
    "checks": "no data: no order was sent yet",
    "journal": "no data: no order was sent yet",
    "build": "no data: no order has left through the gateway",
    "wire": "no data: no order has left through the gateway",
    "send": "no data: no order was sent yet",
    "ack": "no data: no order was sent yet",
    "tick_to_order": "no data: measured in automatic mode",
}
NO_TICK = "no data: no tick came yet"
WITHIN: tuple[Stage, ...] = ("ingest", "log", "detect", "send")  # what tick_to_order is made of
MEANING: dict[Stage, str] = {
    "feed": "venue's event to received; both clocks count",
    "ingest": "received to appended to the log",
    "log": "appended to read",
    "detect": "read to decided",
    "opportunity": "received to decided, of what pays",
    "approve": "ticket to approval, a person",
    "checks": "decided to journal",
    "journal": "both intents on disk",
    "build": "gateway, signature, connection",
    "wire": "order bytes to the socket",
    "send": "decided to order bytes written",
    "ack": "order written to answered",
    "tick_to_order": "received to order bytes written",
}


class Latency(Pane):
    """A histogram for each stage, its percentiles beside it."""

    NUMBER = 4
    TITLE = "Latency"

    def sheet(self, picture: Picture, width: int, height: int) -> Sheet:
        if picture.snapshot.mode == "REPLAY":
            return Sheet(body=[lambda: [(" A replay has the tape's time: it measures nothing of this machine", "dim")]])
        bars = len(BOUNDS_MS) + 1
        cell = max(1, min(MOST_CELL, (width - NAME - NUMBERS - 2) // bars))
        stages = shown(picture, height - 2)
        rows = max(1, min(4, (height - 2) // len(stages)))
        head: Line = [
            (f" {'stage':<{NAME - 1}}{'':<{cell * bars}} ", "dim"),
            (f"{'p50':>7}{'p99':>7}{'p99.9':>7}{'max':>7}{'count':>7}", "dim"),
        ]
        snapshot = picture.snapshot
        body: list[Callable[[], Line]] = []
        for stage in stages:
            took = snapshot.latency.get(stage, Percentiles())
            nothing = NO_DATA.get(stage, NO_TICK) if snapshot.ticks.offered or snapshot.ticks.consumed else NO_TICK
            body += [partial(line_of, stage, took, row, rows, cell, nothing) for row in range(rows)]
        hops = hops_of(last_traded(snapshot), by_person=snapshot.approval == "manual")
        last: list[Line] = []
        if hops:
            total = (max(hop.to_ns for hop in hops) - hops[0].from_ns) / 1e6
            last = [[(" the last trade", "text"), (f"  {duration(total)}", "strong")], *waterfall(hops, width)]
        if self.detailed:
            told = last or [[(" No trade has left the desk in this run", "dim")]]
            return Sheet(_info(picture), body=[partial(list, line) for line in told])
        foot = [axis(cell)]
        if last and height - 2 - len(body) > len(last):
            foot += [[], *last]
        return Sheet(_info(picture), [head], body, foot)

    def action_detail(self) -> None:
        """Show the last trade hop by hop, or the histograms again."""
        self.top = 0
        super().action_detail()


def shown(picture: Picture, lines: int) -> list[Stage]:
    """Return the stages to show: what `send` is made of only where it was measured, and there is room."""
    measured = [stage for stage in PARTS if stage in picture.snapshot.latency and picture.snapshot.latency[stage].count]
    whole = [stage for stage in STAGES if stage not in PARTS]
    return whole + measured if len(whole) + len(measured) <= lines else whole


def line_of(stage: Stage, took: Percentiles, row: int, rows: int, cell: int, nothing: str) -> Line:
    """Return one of the `rows` lines of a stage, the upper first; `nothing` is said where none was measured."""
    last = row == rows - 1
    name: Line = [(f" {stage.replace('_', ' ') if last else '':<{NAME - 1}}", "text" if took.count else "dim")]
    if not took.count:
        return [*name, (nothing if last else "", "dim")]
    line = [*name, *_bars(stage, took, row, rows, cell)]
    if not last:
        return line
    late = stage == "tick_to_order" and took.p99 > BUDGET_MS
    numbers = [milliseconds(value) for value in (took.p50, took.p99, took.p999, took.max)]
    return [
        *line,
        (f" {numbers[0]:>7}", "text"),
        (f"{numbers[1]:>7}", "bad" if late else "strong"),
        (f"{numbers[2]:>7}{numbers[3]:>7}", "text"),
        (f"{count(took.count):>7}", "dim"),
    ]


def _bars(stage: Stage, took: Percentiles, row: int, rows: int, cell: int) -> Line:
    """Return a slice of the columns. Heights are logarithmic: a tail of one in a million must be seen."""
    scale = math.log1p(max(took.bars, default=0)) or 1.0
    line: Line = []
    for at, n in enumerate(took.bars):
        height = max(1, round(math.log1p(n) / scale * 8 * rows)) if n else 0
        block = BLOCKS[min(8, max(0, height - 8 * (rows - 1 - row)))]
        late = stage == "tick_to_order" and at > BUDGET_BAR
        if block == " " and at == BUDGET_BAR:
            line.append((f"{'┊':<{cell}}", "budget"))
        else:
            line.append((block * cell, "late" if late else "bar"))
    return line


def axis(cell: int) -> Line:
    """Return the scale below the bars; each mark stands under the bar that ends there."""
    marks = [" "] * (cell * (len(BOUNDS_MS) + 1) + 14)
    for at, text in ((0, "0.01"), (BUDGET_BAR, "┊50 ms budget"), (7, "1"), (10, "10"), (17, "1s")):
        place = slice(at * cell, at * cell + len(text))
        if not "".join(marks[place]).strip():  # else the words of another mark are there
            marks[place] = text
    return [(f" {'ms, each ×2':<{NAME - 1}}", "dim"), ("".join(marks).rstrip(), "budget")]


def _info(picture: Picture) -> Line:
    took = picture.snapshot.latency.get("tick_to_order", Percentiles())
    if not took.count:
        return [("budget 50 ms for tick to order: not measured", "title")]
    late = took.p99 > BUDGET_MS
    verdict = "over the budget" if late else "within the budget"
    return [
        (f"tick to order p99 {took.p99:,.1f} ms, {verdict} of 50 ms", "bad" if late else "good"),
        (most_of_it(picture.snapshot.latency), "title"),
    ]


def most_of_it(latency: Mapping[Stage, Percentiles]) -> str:
    """Return which of the stages between a tick and its order takes the most."""
    took = {stage: latency[stage].p99 for stage in WITHIN if stage in latency and latency[stage].count}
    if not took:
        return ""
    stage = max(took, key=lambda stage: took[stage])
    return f" · most of it: {stage}, p99 {milliseconds(took[stage])}"
