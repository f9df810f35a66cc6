"""Where a replay is on its tape: the bar, the speed, what this run decided, and the run it is compared with."""

import math

from console.panes.drawn import Drawn
from console.panes.sheet import Line, clipped
from console.panes.text import count, cut, inert, money
from core.replay.state import DeckState, Run

LEAST_BAR = 12


class TimeBar(Drawn[DeckState]):
    """Two lines above the keys."""

    DEFAULT_CSS = "TimeBar { height: 2; background: $panel; }"

    def lines_of(self, state: DeckState, width: int, _height: int) -> list[Line]:
        return [clipped(bar(state, width), width), clipped(told(state), width)]


def bar(state: DeckState, width: int) -> Line:
    """Return the tape from its beginning to its end, what of it this run has played, and where it is."""
    left: Line = [(" REPLAY ", "demo"), (f" {motion(state)} ", "text"), (f"{clock(state.now_ns)} ", "strong")]
    right: Line = [(f" {clock(state.end_ns)[:8]}Z ", "dim")]
    room = max(LEAST_BAR, width - sum(len(text) for text, _ in (*left, *right)))
    length_ns = max(1, state.end_ns - state.begin_ns)

    def column(at_ns: int) -> int:
        return min(room - 1, max(0, (at_ns - state.begin_ns) * (room - 1) // length_ns))

    here, since = column(state.now_ns), column(state.run.from_ns)
    target = column(state.target_ns) if state.target_ns is not None else here
    spans: Line = [("─" * since, "rule"), ("━" * (here - since), "bar"), ("●", "strong")]
    if target > here:
        spans += [("─" * (target - here - 1), "rule"), ("◌", "warn")]
    spans.append(("─" * (room - 1 - max(here, target)), "rule"))
    return [*left, *spans, *right]


def motion(state: DeckState) -> str:
    """Return what the tape does, in always as many characters: ▶ 10x (9.8x)."""
    asked = "max" if math.isinf(state.speed) else f"{state.speed:g}x"
    if state.target_ns is not None:
        return "» seeking     "
    if state.ended:
        return "■ at its end  "
    if state.paused:
        return f"‖ paused {asked:<5}"
    measured = f"({state.measured:.3g}x)" if state.measured else ""
    return f"▶ {asked:<4} {measured:<7}"


def told(state: DeckState) -> Line:
    """Return what this run decided, and the one before the threshold changed, at the same place."""
    line: Line = [(" since ", "dim"), (clock(state.run.from_ns)[:8], "text"), *_run(state.run)]
    if not state.before or state.before.to_ns > state.now_ns:
        line += [("  hash ", "dim"), (state.run.hash[:12], "text")]
    if state.before:
        line += [("  │ before ", "rule"), *_run(state.before)]
    if state.damages:
        line += [("  │ ", "rule"), (f"DAMAGED: {cut(inert(state.damages[0]), 40)}", "bad")]
    return line


def _run(run: Run) -> Line:
    earned = " ".join(f"{money(amount)} {inert(currency)}" for currency, amount in run.pnl.items()) or "no fills"
    return [
        (" edge ≥ ", "dim"),
        (f"{run.min_edge_bps:g} bps", "key"),
        (": ", "dim"),
        (f"{count(run.opportunities)} opportunities, {count(run.trades)} trades, {earned}", "text"),
    ]


def clock(at_ns: int) -> str:
    """Return a time of day to the millisecond, UTC."""
    day_ms = at_ns // 1_000_000 % 86_400_000
    return f"{day_ms // 3_600_000:02}:{day_ms // 60_000 % 60:02}:{day_ms // 1_000 % 60:02}.{day_ms % 1_000:03}"
