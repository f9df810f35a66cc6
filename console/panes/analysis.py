"""Pane 3: what the models do, and what the desk has found and turned down so far."""

from collections.abc import Callable
from functools import partial
from textwrap import wrap
from typing import get_args

from console.panes.lines import Line, Pane, Picture, Sheet, clipped, width_of
from console.panes.models import (
    STATES,
    assessment_head,
    assessment_line,
    bill,
    model_head,
    model_line,
    outcome_line,
    proposal_lines,
    quality_lines,
    token_lines,
    usd,
)
from console.panes.spreads import GHOST, MEANING, PAYS
from console.panes.text import count, inert, left, right
from core.analysis.state import AnalysisState
from core.desk import Snapshot
from core.tick import Cause

CAUSES: tuple[Cause, ...] = get_args(Cause)
BAR = 12
FACTS = 31  # columns of the facts, beside the ghosts
BESIDE = 72  # columns from which on there is room for both
MEANT = 60  # columns from which on a cause is explained
MOST_WHY = 3  # lines of why the models are off
ROWS = 6  # assessments that are shown where there is little room


class Analysis(Pane):
    """The models and their bill, what they and the baseline say, then findings by cause."""

    NUMBER = 3
    TITLE = "Analysis"

    def sheet(self, picture: Picture, width: int, height: int) -> Sheet:
        snapshot = picture.snapshot
        head = models(snapshot.analysis, width, height)
        found = counted(snapshot, width)
        lines = judged(picture, width, max(ROWS, height - len(head) - len(found) - 4))
        body: list[Callable[[], Line]] = [partial(clipped, line, width) for line in [*lines, *found]]
        return Sheet(_info(snapshot), head, body)


def counted(snapshot: Snapshot, width: int) -> list[Line]:
    """Return what became of what was found, and the ghosts, beside each other where there is room."""
    facts, ghosts = facts_of(snapshot), ghosts_of(snapshot, width - FACTS if width >= BESIDE else width)
    if width < BESIDE:
        return [*ghosts, [], *facts]
    return [beside(_at(facts, y), _at(ghosts, y), FACTS) for y in range(max(len(facts), len(ghosts)))]


def judged(picture: Picture, width: int, rows: int) -> list[Line]:
    """Return what is said of quotes and routes, the proposal, and how well is told."""
    analysis = picture.snapshot.analysis
    chosen = [row for row in analysis.assessments if row.symbol in picture.symbols][:rows]
    lines: list[Line] = []
    if chosen:
        lines += [assessment_head(width), *(assessment_line(row, picture, width) for row in chosen), []]
    if analysis.gateway:
        lines += token_lines(analysis, width)
    if analysis.models:
        comment_only = {one.model: one.comment_only for one in analysis.models if one.comment_only}
        lines += [*quality_lines(analysis.quality, comment_only, width), *([[]] if analysis.quality else [])]
    if analysis.gateway or analysis.in_force is not None:
        lines += proposal_lines(analysis, picture, width)
    if analysis.gateway:
        lines += [outcome_line(analysis, width), []]
    return lines


def _at(lines: list[Line], y: int) -> Line:
    return lines[y] if y < len(lines) else []


def beside(one: Line, other: Line, width: int) -> Line:
    used = width_of(one)
    return [*one, (" " * max(1, width - used), "text"), *other]


def _info(snapshot: Snapshot) -> Line:
    state, found, ghosts = snapshot.analysis.state, snapshot.opportunities, sum(snapshot.ghosts.values())
    return [
        (state, STATES[state][0]),
        (" SIMULATED", "warn") if snapshot.analysis.simulated else ("", "title"),
        (f" · {PAYS} {count(found)} found", "good" if found else "title"),
        (f" · {GHOST} {count(ghosts)} ghosts", "ghost" if ghosts else "title"),
    ]


def models(analysis: AnalysisState, width: int, height: int) -> list[Line]:
    """Return the models, a line each, and their bill; while they are off, why, and how to switch them on."""
    pen, meaning = STATES[analysis.state]
    why = inert(analysis.why) or meaning
    if analysis.gateway and analysis.state != "OFF":
        lines = [bill(analysis, width), model_head(width), *(model_line(one, width) for one in analysis.models)]
        return [*lines, []] if height > 16 else lines
    calls = f" {count(analysis.calls)} calls · {count(analysis.failed)} failed · {usd(analysis.cost_usd)} USD"
    word = f" models {analysis.state}  "
    first, *others = wrap(why, max(20, width - len(word) - 1)) or [meaning]
    return [
        [(word, pen), (first, "text")],
        *([(" " * len(word) + line, "text")] for line in others[: MOST_WHY - 1]),
        [(calls, "dim")],
        [],
    ]


def facts_of(snapshot: Snapshot) -> list[Line]:
    """Return what became of what was found."""
    tickets, ticks, orders = snapshot.ticket_counts, snapshot.ticks, snapshot.order_counts
    rows = [
        (f"{PAYS} opportunities", snapshot.opportunities, "good"),
        ("  tickets offered", tickets.offered, "text"),
        ("  approved", tickets.approved, "text"),
        ("  refused", tickets.refused, "text"),
        ("  expired", tickets.expired, "text"),
        ("  orders sent", orders.get("sent", 0), "text"),
        ("  of unknown fate", orders.get("unknown", 0), "bad"),
        ("  ticks read", ticks.consumed, "text"),
        ("  repeats dropped", ticks.repeats, "text"),
        ("  left out for newer", ticks.superseded, "text"),
        ("  not read yet", sum(ticks.lag.values()), "text"),
        ("  waiting to append", ticks.waiting, "text"),
        ("  not acknowledged", ticks.unknown, "warn"),
        ("  not of this desk", ticks.strange, "text"),
    ]
    rows += [(f"  ✗ {inert(code).replace('_', ' ')}", n, "warn") for code, n in snapshot.refusals.items()]
    return [[(f" {left(word, 20)}", "dim"), (right(count(n), 7), pen if n else "dim")] for word, n, pen in rows]


def ghosts_of(snapshot: Snapshot, width: int) -> list[Line]:
    """Return how often each cause turned an apparent edge down: the most frequent first."""
    total = sum(snapshot.ghosts.values())
    lines: list[Line] = [[(f" {GHOST} {left('ghosts', 12)}", "ghost"), (right(count(total), 7), "ghost")]]
    most = max(snapshot.ghosts.values(), default=0)
    for cause in sorted(CAUSES, key=lambda cause: -snapshot.ghosts.get(cause, 0)):
        n = snapshot.ghosts.get(cause, 0)
        bar = "█" * max(1, round(BAR * n / most)) if n else ""
        pen = "text" if n else "dim"
        line: Line = [(f"   {left(cause, 12)}", pen), (right(count(n), 7), pen), (f" {bar:<{BAR}} ", "ghost")]
        if width >= MEANT:
            line.append((MEANING[cause], "dim"))
        lines.append(line)
    return lines
