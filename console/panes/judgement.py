"""All about what the analysis pane's cursor is on: what was said of a quote or a route, a model, a cause."""

from collections.abc import Iterator
from textwrap import wrap
from typing import get_args

from console.panes.models import EFFECTS, STATES, WORDS, usd
from console.panes.sheet import Line, Picture, clipped
from console.panes.spreads import GHOST, MEANING
from console.panes.text import age, count, inert, left
from core.analysis.lookout import ALARM
from core.analysis.state import Assessment, ModelState, Opinion
from core.tick import Cause

NAME = 16  # columns of what a line is about
LEAST = 20  # columns for words, however narrow the screen
EFFECT = {
    "veto": "no trade on it",
    "shrink": "smaller trades on it",
    "comment": "it only comments",
}

FACT = {
    "opportunities": "routes that paid after fees at a tradable size",
    "tickets offered": "opportunities that were put to a person",
    "approved": "tickets whose two letters were typed",
    "refused": "tickets that a person, or a halt, refused",
    "expired": "tickets that nobody answered in time",
    "orders sent": "orders whose bytes left the desk",
    "of unknown fate": "orders that were sent and not answered: asked about, never sent again",
    "ticks read": "ticks that came back from the log to the book",
    "repeats dropped": "read from the log, and older than what the book held, or the same",
    "left out for newer": "read from the log, and left out for a newer one of the same venue and symbol",
    "not read yet": "on the log, and waiting to be read by this desk",
    "waiting to append": "ticks that are not known to be on the log yet",
    "not acknowledged": "ticks of which nobody knows whether they are on the log",
    "not of this desk": "read from the log, of venues or symbols that are not this desk's",
}


def name_of(row: Assessment) -> str:
    """Return what a row of the pane is called, whatever its numbers are."""
    return f"said of {row.symbol} {row.venue} {row.sell}"


def told(name: str, picture: Picture, width: int) -> list[Line]:
    """Return all about the row that is called so."""
    analysis = picture.snapshot.analysis
    said = next((row for row in analysis.assessments if name_of(row) == name), None)
    model = next((one for one in analysis.models if name in (f"model {one.model}", f"tokens {one.model}")), None)
    cause = next((one for one in get_args(Cause) if name == f"ghost {one}"), None)
    if said is not None:
        lines = list(_of_quote(said, picture, width))
    elif model is not None:
        lines = list(_of_model(model, width))
    elif cause is not None:
        lines = list(_of_cause(cause, picture))
    elif (fact := name.removeprefix("fact ")) in FACT:
        lines = [[(f" {fact}: ", "strong"), (FACT[fact], "text")]]
    elif name.startswith("refusal "):
        limit = inert(name.removeprefix("refusal ")).replace("_", " ")
        lines = [[(f" {limit}: ", "strong"), ("trades that this limit did not let through", "text")]]
    elif name:
        lines = [[(" No more is known of it than the line says", "dim")]]
    else:
        lines = [[(" No row is chosen: ", "dim"), ("↑ ↓", "key"), (" move over them", "dim")]]
    return [clipped(line, width) for line in lines]


def _named(name: str, text: str, pen: str, width: int) -> Iterator[Line]:
    """Yield `text` in as many lines as it takes."""
    for at, part in enumerate(wrap(text, max(LEAST, width - NAME - 2))):
        yield [(f" {left('' if at else name, NAME)}", "dim"), (part, pen)]


def _of_quote(row: Assessment, picture: Picture, width: int) -> Iterator[Line]:
    where = f"{inert(row.venue)} → {inert(row.sell)}" if row.sell else f"at {inert(row.venue)}"
    yield [(f" {inert(row.symbol)} {where}", "strong")]
    if row.score is None:
        yield from _named("baseline", "no score: there is no quote, or too few were seen", "dim", width)
    else:
        odd = row.oddity.replace("_", " ")
        high = row.score >= ALARM
        yield from _named(
            "baseline", f"{row.score:.2f}: {odd}; from {ALARM:g} on it is anomalous", "bad" if high else "text", width
        )
    for opinion in sorted(row.opinions, key=lambda one: one.task):
        yield from _opinion(opinion, picture, width)
    if not row.opinions:
        yield from _named("models", "none was asked about it", "dim", width)


def _opinion(opinion: Opinion, picture: Picture, width: int) -> Iterator[Line]:
    word = f"{inert(opinion.word).replace('_', ' ')} {opinion.score:.2f}, {inert(opinion.reason).replace('_', ' ')}"
    asked = f"by {inert(opinion.model)}, of quotes {age(picture.age_ns(opinion.at_ns))} ago"
    yield from _named(opinion.task, f"{word}  {asked}", WORDS.get(opinion.word, "text"), width)
    rest_s = max(0, opinion.expires_ns - picture.now_ns) / 1e9
    held = f" for {rest_s:.0f} s" if opinion.effect != "comment" else ""
    yield from _named("", f"{EFFECT[opinion.effect]}{held}", EFFECTS[opinion.effect], width)
    yield from _named("", inert(opinion.note), "text", width)


def _of_model(model: ModelState, width: int) -> Iterator[Line]:
    pen, meaning = STATES[model.state]
    yield [(f" {inert(model.model)}", "strong"), (f"  {model.state}", pen)]
    yield from _named("state", inert(model.why) or meaning, pen, width)
    yield from _named("asked for", ", ".join(model.tasks) or "only where another one fails", "text", width)
    if model.comment_only:
        yield from _named("no effect", inert(model.comment_only), "warn", width)
    calls = f"{count(model.calls)}, {count(model.failed)} failed, {count(model.retries)} tried again"
    yield from _named("calls", calls, "text", width)
    read = f"{count(model.input_tokens)} in, {count(model.cached_tokens)} of them cached"
    yield from _named("tokens", f"{read}, {count(model.output_tokens)} out", "text", width)
    guess = ", an estimate: its input price is not set" if model.estimate and model.calls else ""
    yield from _named("cost", f"{usd(model.cost_usd)} USD, {usd(model.hour_usd)} in an hour{guess}", "text", width)


def _of_cause(cause: Cause, picture: Picture) -> Iterator[Line]:
    """Yield what a cause means, and the routes that it holds back at this moment."""
    yield [(f" {GHOST} {cause}: ", "ghost"), (MEANING[cause], "text")]
    held = [edge for edge in picture.snapshot.edges if edge.cause == cause]
    if not held:
        yield [("   no route at this moment", "dim")]
    for edge in sorted(held, key=lambda edge: -edge.edge_bps):
        route = f"{inert(edge.route.symbol)} {inert(edge.route.buy)} → {inert(edge.route.sell)}"
        yield [(f"   {left(route, 34)}", "text"), (f"{edge.edge_bps:+8.1f} bps", "ghost")]
