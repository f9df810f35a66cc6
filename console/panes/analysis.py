"""Pane 3: what the models do, and what the desk has found and turned down so far."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import zip_longest
from textwrap import wrap
from typing import NamedTuple, get_args

from console.panes.judgement import name_of, told
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
from console.panes.rows import Rows, under_cursor
from console.panes.sheet import Line, Picture, Sheet, clipped, width_of
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


class Entry(NamedTuple):
    """A line of the pane; one that has a name can be under the cursor."""

    line: Line
    name: str = ""


class Analysis(Rows):
    """The models and their bill, what they and the baseline say, then findings by cause."""

    NUMBER = 3
    TITLE = "Analysis"

    def sheet(self, picture: Picture, width: int, height: int) -> Sheet:
        snapshot = picture.snapshot
        head = models(snapshot.analysis, width, height)
        found = counted(snapshot, width)
        room = max(ROWS, height - len(head) - len(found) - 4)
        entries = [*head, *judged(picture, width, room, self.selected), *found]
        self.names = {y: entry.name for y, entry in enumerate(entries) if entry.name}
        body: list[Callable[[], Line]] = [partial(self._drawn, entry, width) for entry in entries]
        foot: list[Line] = []
        if self.detailed:
            foot = [[("─" * width, "rule")], *told(self.selected, picture, width)[: max(3, height - 6)]]
        return Sheet(_info(snapshot), [], body, foot, self.cursor, pinned=0 if foot else len(head))

    def _drawn(self, entry: Entry, width: int) -> Line:
        line = clipped(entry.line, width)
        return under_cursor(line, width) if entry.name and entry.name == self.selected else line

    def again(self) -> None:
        self.action_detail()


def named(kind: str, lines: Iterable[Line], names: Iterable[str] = ()) -> list[Entry]:
    """Return `lines` as entries with a name each, as far as there are names; an empty one is none."""
    rest = iter(names)
    return [Entry(line, f"{kind} {name}" if (name := next(rest, "")) else "") for line in lines]


def counted(snapshot: Snapshot, width: int) -> list[Entry]:
    """Return what became of what was found, and the ghosts, beside each other where there is room."""
    facts, ghosts = facts_of(snapshot), ghosts_of(snapshot, width - FACTS if width >= BESIDE else width)
    if width < BESIDE:
        return [*ghosts, Entry([]), *facts]
    none = Entry([])
    both = zip_longest(facts, ghosts, fillvalue=none)
    return [Entry(beside(fact.line, ghost.line, FACTS), ghost.name or fact.name) for fact, ghost in both]


def judged(picture: Picture, width: int, rows: int, selected: str = "") -> list[Entry]:
    """Return what is said of quotes and routes, the proposal, and how well is told.

    Of the quotes and routes the `rows` worst, and the one that is called `selected`.
    """
    analysis = picture.snapshot.analysis
    of = [row for row in analysis.assessments if row.symbol in picture.symbols]
    chosen = [row for at, row in enumerate(of) if at < rows or name_of(row) == selected]
    entries: list[Entry] = []
    if chosen:
        entries += [Entry(assessment_head(width))]
        entries += [Entry(assessment_line(row, picture, width), name_of(row)) for row in chosen]
        entries += [Entry([])]
    names = [one.model for one in analysis.models]
    if analysis.gateway:
        entries += named("tokens", token_lines(analysis, width), ["", *names])
    if analysis.models and analysis.quality:
        comment_only = {one.model: one.comment_only for one in analysis.models if one.comment_only}
        who = ["", *(one.who for one in analysis.quality)]
        entries += named("quality", quality_lines(analysis.quality, comment_only, width), who)
        entries += [Entry([])]
    if analysis.gateway or analysis.in_force is not None:
        lines = proposal_lines(analysis, picture, width)
        entries += named("proposal", lines, map(str, range(len(lines))))
    if analysis.gateway:
        entries += [Entry(outcome_line(analysis, width), "answers"), Entry([])]
    return entries


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


def models(analysis: AnalysisState, width: int, height: int) -> list[Entry]:
    """Return the models, a line each, and their bill; while they are off, why, and how to switch them on."""
    pen, meaning = STATES[analysis.state]
    why = inert(analysis.why) or meaning
    if analysis.gateway and analysis.state != "OFF":
        lines = [bill(analysis, width), model_head(width), *(model_line(one, width) for one in analysis.models)]
        names = ["", "", *(one.model for one in analysis.models)]
        return named("model", [*lines, []] if height > 16 else lines, names)
    calls = f" {count(analysis.calls)} calls · {count(analysis.failed)} failed · {usd(analysis.cost_usd)} USD"
    word = f" models {analysis.state}  "
    first, *others = wrap(why, max(20, width - len(word) - 1)) or [meaning]
    return named(
        "off",
        [
            [(word, pen), (first, "text")],
            *([(" " * len(word) + line, "text")] for line in others[: MOST_WHY - 1]),
            [(calls, "dim")],
            [],
        ],
    )


def facts_of(snapshot: Snapshot) -> list[Entry]:
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
    refused = [(f"  ✗ {inert(code).replace('_', ' ')}", n, "warn") for code, n in snapshot.refusals.items()]
    lines: list[Line] = [
        [(f" {left(word, 20)}", "dim"), (right(count(n), 7), pen if n else "dim")] for word, n, pen in (*rows, *refused)
    ]
    facts = named("fact", lines[: len(rows)], [word.strip(f" {PAYS}") for word, _, _ in rows])
    return [*facts, *named("refusal", lines[len(rows) :], snapshot.refusals)]


def ghosts_of(snapshot: Snapshot, width: int) -> list[Entry]:
    """Return how often each cause turned an apparent edge down: the most frequent first."""
    total = sum(snapshot.ghosts.values())
    lines: list[Line] = [[(f" {GHOST} {left('ghosts', 12)}", "ghost"), (right(count(total), 7), "ghost")]]
    most = max(snapshot.ghosts.values(), default=0)
    causes = sorted(CAUSES, key=lambda cause: -snapshot.ghosts.get(cause, 0))
    for cause in causes:
        n = snapshot.ghosts.get(cause, 0)
        bar = "█" * max(1, round(BAR * n / most)) if n else ""
        pen = "text" if n else "dim"
        line: Line = [(f"   {left(cause, 12)}", pen), (right(count(n), 7), pen), (f" {bar:<{BAR}} ", "ghost")]
        if width >= MEANT:
            line.append((MEANING[cause], "dim"))
        lines.append(line)
    return named("ghost", lines, ["of all", *causes])
