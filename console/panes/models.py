"""Lines about the models: what each is asked and costs, what they say of quotes and routes, how well they tell."""

from decimal import Decimal, InvalidOperation

from console.panes.sheet import Line, Picture, Span, clipped, width_of
from console.panes.text import BLOCKS, NOTHING, age, bps, count, inert, left, milliseconds, right
from core.analysis.lookout import ALARM
from core.analysis.state import AnalysisState, Assessment, ModelState, Opinion, Proposal, Quality

STATES = {
    "OFF": ("warn", "the models are off; the desk trades without them"),
    "READY": ("good", "waiting for something to judge"),
    "BUSY": ("good", "a question is being answered"),
    "OPEN": ("bad", "the gateway failed too often; it is left alone for a while"),
    "BUDGET": ("warn", "the money of this hour or day is spent"),
}
WORDS = {"ok": "good", "suspect": "warn", "halt": "bad"}
EFFECTS = {"veto": "bad", "shrink": "warn", "comment": "dim"}
NAME = 18
WIDE = 120  # columns from which on notes, tokens, tasks and the cost's bars stand beside the rest
FEWEST_BARS, MOST_BARS = 12, 60
TOKENS_HEAD = f"{'in':>8}{'cached':>8}{'out':>7}  asked for"


def usd(exact: str) -> str:
    """Return dollars with as many decimals as so small an amount needs to be told from another one."""
    try:
        value = Decimal(exact)
        places = 2 if value == 0 or value >= 1 else 4 if value >= Decimal("0.01") else 6
        return f"{value:,.{places}f}"
    except InvalidOperation:
        return inert(exact) or NOTHING


def bill(state: AnalysisState, width: int) -> Line:
    """Return what the models have cost, what is left of the caps, and how the cost went, if there is room for that."""
    hour, day = _left(state.hour_usd, state.hour_cap_usd), _left(state.day_usd, state.day_cap_usd)
    line: Line = [
        (" bill ", "dim"),
        (f"{usd(state.cost_usd)} USD", "strong"),
        ("  hour ", "dim"),
        *_cap(state.hour_usd, state.hour_cap_usd, hour),
        ("  day ", "dim"),
        *_cap(state.day_usd, state.day_cap_usd, day),
    ]
    room = width - width_of(line)
    if width >= WIDE:
        line += [("  ", "text"), *bars(state, room - 2)]
    return clipped(line, width)


def bars(state: AnalysisState, width: int) -> Line:
    """Return the cost of each of the last slots as a bar."""
    said = f" USD per {state.spark_s:g} s"
    room = min(max(width - len(said), FEWEST_BARS), MOST_BARS)
    return [(spark(state.spark, room), "bar"), (said, "dim")]


def _left(spent: str, cap: str) -> float:
    try:
        return 1 - float(spent) / float(cap) if float(cap) else 0.0
    except ValueError:
        return 0.0


def _cap(spent: str, cap: str, left_share: float) -> Line:
    pen = "bad" if left_share <= 0.02 else "warn" if left_share < 0.25 else "text"
    filled = min(8, max(0, round(8 * (1 - left_share))))
    return [
        ("█" * filled, "late" if pen != "text" else "bar"),
        ("░" * (8 - filled), "rule"),
        (f" {usd(spent)[:7]}", pen),
        (f" of {inert(cap)}", "dim"),
    ]


def spark(spent: tuple[int, ...], width: int) -> str:
    """Return the newest `width` slots as bars."""
    shown = spent[-width:]
    most = max(shown, default=0)
    return "".join(BLOCKS[-(-8 * one // most)] if one else "·" for one in shown)


def model_head(width: int) -> Line:
    line = f" {'model':<{NAME}}{'state':<7}{'calls':>6}{'failed':>7}{'ms':>7}{'USD':>10}{'per hour':>10}{'per opp':>10}"
    return clipped([(line + (TOKENS_HEAD if width >= WIDE else ""), "dim")], width)


def model_line(model: ModelState, width: int) -> Line:
    pen = STATES[model.state][0]
    line: Line = [
        (f" {left(inert(model.model), NAME - 1)} ", "strong"),
        (left(model.state, 7), pen),
        (right(count(model.calls), 6), "text"),
        (right(count(model.failed), 7), "warn" if model.failed else "dim"),
    ]
    if model.state in ("OPEN", "BUDGET") and width < WIDE:
        return clipped([*line, (f"  {inert(model.why)}", pen)], width)
    line += [
        (right(milliseconds(model.latency_ms) if model.latency_ms else NOTHING, 7), "text"),
        (right(f"{'~' if model.estimate and model.calls else ''}{usd(model.cost_usd)}", 10), "text"),
        (right(usd(model.hour_usd), 10), "text"),
        (right(usd(model.per_opportunity_usd), 10), "text"),
    ]
    if width >= WIDE:
        line += _tokens(model)
    return clipped(line, width)


def _tokens(model: ModelState) -> Line:
    """Return what a model has read and written, what it is asked for, and why it cannot be or has no effect."""
    line: Line = [
        (right(count(model.input_tokens), 8), "dim"),
        (right(count(model.cached_tokens), 8), "dim"),
        (right(count(model.output_tokens), 7), "dim"),
        (f"  {', '.join(model.tasks) or 'fallback'}", "text"),
    ]
    if model.state in ("OPEN", "BUDGET"):
        line.append((f"  {inert(model.why)}", STATES[model.state][0]))
    if model.comment_only:
        line.append((f"  comments only: {inert(model.comment_only)}", "warn"))
    return line


def token_lines(state: AnalysisState, width: int) -> list[Line]:
    """Return what a narrow screen has no room for beside the models: their tokens and tasks, and the cost's bars."""
    if width >= WIDE or not state.models:
        return []
    head: Line = [(f" {'tokens':<{NAME}}{TOKENS_HEAD}", "dim")]
    rows: list[Line] = [[(f" {left(inert(one.model), NAME - 1)} ", "text"), *_tokens(one)] for one in state.models]
    return [clipped(line, width) for line in (head, *rows, [(" cost ", "dim"), *bars(state, width - 6)], [])]


def assessment_head(width: int) -> Line:
    line = f" {'symbol':<10}{'where':<15}{'score':>6}  {'baseline':<13}models"
    return clipped([(line, "dim")], width)


def assessment_line(row: Assessment, picture: Picture, width: int) -> Line:
    where = f"{inert(row.venue)} → {inert(row.sell)}" if row.sell else inert(row.venue)
    score = row.score
    pen = "dim" if score is None or score < 0.5 else "bad" if score >= ALARM else "warn"
    line: Line = [
        (f" {left(inert(row.symbol), 10)}{left(where, 15)}", "text"),
        (right(f"{score:.2f}" if score is not None and score < 100 else ">100" if score else NOTHING, 6), pen),
        (f"  {left(row.oddity.replace('_', ' '), 13)}", pen),
    ]
    for at, opinion in enumerate(sorted(row.opinions, key=lambda one: one.task)):
        line += [*([(" │ ", "rule")] if at else []), *_said(opinion, picture, width)]
    return clipped(line, width)


def _said(opinion: Opinion, picture: Picture, width: int) -> Line:
    """Return a model's word with its score, age and effect; on a wide screen its reason and note too."""
    who = inert(opinion.model) if width >= WIDE else inert(opinion.model).split("-")[0]
    spans: list[Span] = [
        (f"{inert(opinion.word).replace('_', ' ')} {opinion.score:.2f}", WORDS.get(opinion.word, "text")),
        (f" {who} {age(picture.age_ns(opinion.at_ns))}", "dim"),
    ]
    if opinion.effect != "comment":
        left_s = max(0, opinion.expires_ns - picture.now_ns) / 1e9
        spans.append((f" {opinion.effect} {left_s:.0f}s", EFFECTS[opinion.effect]))
    if width >= WIDE:
        spans.append((f" {inert(opinion.note)}", "dim"))
    return spans


def quality_lines(qualities: tuple[Quality, ...], comment_only: dict[str, str], width: int) -> list[Line]:
    """Return how well the simulator's anomalies are told, a line each, under a heading."""
    if not qualities:
        return []
    baseline = qualities[0]
    what = f"{count(baseline.events)} injected anomalies"
    head = f" {what:<{NAME + 5}}{'precision':>10}{'recall':>8}{'F1':>6}{'alarms':>8}{'USD/true':>10}"
    lines: list[Line] = [clipped([(head, "dim")], width)]
    for one in qualities:
        each = usd(f"{one.micro_usd / one.true_alarms / 1e6:.6f}") if one.true_alarms else NOTHING
        line: Line = [
            (f" {left(inert(one.who), NAME + 4)} ", "text"),
            (right(f"{one.precision:.2f}" if one.precision is not None else NOTHING, 10), "text"),
            (right(f"{one.recall:.2f}" if one.recall is not None else NOTHING, 8), "text"),
            (right(f"{one.f1:.2f}", 6), "good" if one.f1 > baseline.f1 else "text"),
            (right(count(one.alarms), 8), "dim"),
            (right("free" if one is baseline else each, 10), "dim"),
        ]
        if one.who in comment_only:
            line.append((" comment only", "warn"))
        lines.append(clipped(line, width))
    return lines


def proposal_lines(state: AnalysisState, picture: Picture, width: int) -> list[Line]:
    """Return the newest proposal's routes, or how to ask for one, and an older one that still counts."""
    proposal, in_force = state.proposal, state.in_force
    lines: list[Line] = []
    if in_force is not None and in_force != proposal:
        factors = [one.factor for one in in_force.shares]
        whose = f"{inert(in_force.model)}'s of {age(picture.age_ns(in_force.at_ns))} ago, {accepted(in_force, picture)}"
        effect = f"sizes of {len(factors)} routes × {min(factors):.2f} to {max(factors):.2f}"
        lines.append([(" in force ", "warn"), (f"{whose}: {effect}", "text")])
    if proposal is None:
        lines.append([(f" {picture.keys['strategy']} ", "key"), ("asks for a proposal how to share the limits", "dim")])
    else:
        key = picture.keys["strategy"]
        standing = (f"{key} to look at and accept it", "key")
        if proposal.accepted:
            standing = (accepted(proposal, picture), "good")
        old = f" {age(picture.age_ns(proposal.at_ns))} ago  "
        lines += [[(" proposal ", "dim"), (inert(proposal.model), "text"), (old, "dim"), standing]]
        lines += share_lines(proposal)
    return [clipped(line, width) for line in lines]


def accepted(proposal: Proposal, picture: Picture) -> str:
    """Return who accepted a proposal, and how long ago."""
    return f"accepted by {inert(proposal.accepted_by)} {age(picture.age_ns(proposal.accepted_ns))} ago"


def share_lines(proposal: Proposal) -> list[Line]:
    """Return the routes of a proposal, one line each."""
    return [
        [
            (f"   {left(inert(one.symbol), 10)}{left(f'{inert(one.buy)} → {inert(one.sell)}', 18)}", "text"),
            (right(f"{one.percent:.1f} %", 8), "strong"),
            (left(_expected(one.expected_net_bps), 20), "dim"),
            (f"  sizes × {one.factor:.2f}", "warn" if one.factor < 1 else "dim"),
        ]
        for one in proposal.shares
    ]


def _expected(net_bps: float | None) -> str:
    return "  left out" if net_bps is None else f"  expects {right(bps(net_bps), 6)} bps"


def advice_line(picture: Picture, symbol: str, buy: str, sell: str, width: int) -> Line:
    """Return what is said of one route, in one line: what has an effect first. Empty if nothing is."""
    said = [
        opinion
        for row in picture.snapshot.analysis.assessments
        if row.symbol == symbol
        and ((row.venue, row.sell) == (buy, sell) or (not row.sell and row.venue in (buy, sell)))
        for opinion in row.opinions
    ]
    if not said:
        return []
    first = min(said, key=lambda one: (list(EFFECTS).index(one.effect), one.task != "risk"))
    line: Line = [("models   ", "dim"), *_said(first, picture, 0), (f"  {inert(first.note)}", "dim")]
    return clipped(line, width)


def outcome_line(state: AnalysisState, width: int) -> Line:
    """Return how the questions ended, and what became of those that were not asked."""
    ends = sorted(state.outcomes.items(), key=lambda one: -one[1])
    line: Line = [(" answers ", "dim")]
    for name, times in ends:
        line.append((f"{inert(name).replace('_', ' ')} {count(times)}  ", "text" if name == "ok" else "warn"))
    line += [
        (f"waiting {state.waiting}  merged {count(state.merged)}  ", "dim"),
        (f"dropped {count(state.dropped)}  ", "warn" if state.dropped else "dim"),
        (f"vetoed trades {count(state.vetoes)}", "warn" if state.vetoes else "dim"),
    ]
    return clipped(line, width)
