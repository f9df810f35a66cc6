"""The line that is never hidden: what the desk is doing, and whether it may trade."""

from typing import NamedTuple

from console.panes.attention import Attention
from console.panes.latency import BUDGET_MS
from console.panes.lines import Lines
from console.panes.sheet import Line, Picture, width_of
from console.panes.text import NOTHING, age, clock, count, cut, inert, milliseconds, money
from core.desk import Link, Snapshot
from core.latency import Percentiles, Stage
from core.live.wire import GatewayState

WIDE = 150  # columns from which on all of it fits in one line
TERSE = 104  # columns below which words are left out
LOUD = {"old", "frozen", "demo", "paper", "live", "warn"}  # said in colour of an old picture, too
SEPARATOR = (" │ ", "rule")


class Item(NamedTuple):
    spans: Line
    rank: int  # the highest goes first where room is short; 0 never goes

    @property
    def width(self) -> int:
        return width_of(self.spans)


class Status(Lines):
    """One line on a wide screen, two on a narrow one; and one more where a person has to see to something."""

    DEFAULT_CSS = """
    Status {
        height: 2; background: $background;
        &.-wide { height: 1; } &.-attention { height: 3; } &.-wide.-attention { height: 2; }
    }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.picture: Picture | None = None
        self._attention = Attention()

    def draw(self, picture: Picture) -> None:
        self.picture = picture
        self.redraw()

    def redraw(self) -> None:
        width = self.size.width
        self.set_class(self.app.size.width >= WIDE, "-wide")
        if self.picture is None or not width:
            return
        attention = self._attention.line(self.picture, width)
        self.set_class(attention is not None, "-attention")
        terse = width < TERSE
        first, second, last = standing(self.picture, terse), doing(self.picture, terse), timing(self.picture)
        if self.picture.old:
            first, second = greyed(first), greyed(second)
        if width >= WIDE:
            lines = [packed([*first, *second], last, width)]
        else:
            lines = [packed(first, last, width), [(" ", "text"), *packed(second, [], width - 1)]]
        self.show([*lines, attention] if attention else lines)


def packed(items: list[Item], last: list[Item], width: int) -> Line:
    """Return as many items as fit into `width`, the least important ones left out, `last` at the right edge."""
    items = list(items)
    taken = sum(item.width for item in last) + 1
    while _room(items) + taken > width:
        worst = max(items, key=lambda item: item.rank)
        if worst.rank == 0:
            break
        items.remove(worst)
    line: Line = []
    for item in items:
        badge = item.rank == 0
        if line:
            line.append((" ", "text") if badge else SEPARATOR)
        line.extend(item.spans)
    used = width_of(line)
    line.append((" " * max(1, width - used - taken + 1), "text"))
    return [*line, *(span for item in last for span in item.spans)]


def _room(items: list[Item]) -> int:
    return sum(item.width for item in items) + sum(len(SEPARATOR[0]) if item.rank else 1 for item in items[1:])


def standing(picture: Picture, terse: bool) -> list[Item]:
    """Return what the desk is: whether its money is real, and whether orders may leave."""
    snapshot = picture.snapshot
    mode = {
        "DEMO": (" DEMO SIMULATED ", "demo"),
        "PAPER": (" PAPER ", "paper"),
        "LIVE": (" LIVE ", "live"),
        "REPLAY": (" REPLAY ", "demo"),
    }
    state = ("HALTED", "halted") if snapshot.halted else ("ARMED", "armed") if snapshot.armed else None
    word, pen = state or ("DISARMED", "disarmed")
    if snapshot.halted_all:
        word = "HALTED ALL"
    elif snapshot.armed and snapshot.armed_until_ns:
        word = f"ARMED {left_of(snapshot.armed_until_ns - picture.now_ns)}"
    items = [Item([mode[snapshot.mode]], 0), Item([(f" {word} ", pen)], 0)]
    if snapshot.order_gateway is not None:
        items[1:1] = orders_go(snapshot.order_gateway)
        items += no_orders(snapshot.order_gateway)
    if (link := snapshot.link) is not None:
        items += badges(link, snapshot.desk, terse)
    if picture.frozen_ns is not None:
        items.append(Item([(f" FROZEN {picture.frozen_ns // 1_000_000_000}s ", "frozen")], 0))
    if picture.low:
        items.append(Item([(" 1/s " if terse else " SLOW LINK 1/s ", "frozen")], 0))
    if picture.old:
        what = "" if terse and snapshot.link is not None else "PICTURE "
        items.append(Item([(f" {what}{age(picture.age_ns(snapshot.taken_ns))} OLD ", "old")], 0))
    if snapshot.halted and snapshot.halted_why:
        items.append(Item([(cut(inert(snapshot.halted_why), 40), "warn")], 1))
    if link is not None:
        items += connection(link, terse)
    elif snapshot.desk:
        items.append(Item([("" if terse else "desk ", "dim"), (cut(inert(snapshot.desk), 32), "text")], 6))
    pen = "warn" if snapshot.approval == "auto" else "text"
    approval = Item([("" if terse else "approval ", "dim"), (snapshot.approval, pen)], 3)
    return [*items, approval, venues(snapshot), *recording(snapshot)]


def orders_go(gateway: GatewayState) -> list[Item]:
    """Return where orders go: red where it is somebody's money."""
    if gateway.simulated:
        return [Item([(" LIVE-SIM ", "demo")], 0)]
    items = []
    if gateway.sandbox:
        items.append(Item([(f" SANDBOX {', '.join(gateway.sandbox)} ", "paper")], 0))
    if gateway.real:
        items.append(Item([(" REAL ORDERS ", "live")], 0))
    return items


def no_orders(gateway: GatewayState) -> list[Item]:
    """Return why no order can go to some of the venues, or to none."""
    away = [f"{one.venue}: {one.why_not}" for one in gateway.venues if one.why_not]
    if gateway.health == "silent":
        return [Item([(f" GATEWAY {inert(gateway.why)} ", "old")], 0)]
    if gateway.health != "up":
        return [Item([(" NO GATEWAY ", "old")], 0)]
    return [Item([(cut(inert("; ".join(away)), 40), "warn")], 2)] if away else []


def left_of(rest_ns: int) -> str:
    """Return how long something lasts yet, in at most five characters: 59m, 9:59."""
    rest_s = max(0, rest_ns // 1_000_000_000)
    if rest_s >= 6_000:
        return f"{rest_s / 3_600:.1f}h"
    return f"{rest_s // 60}m" if rest_s >= 600 else f"{rest_s // 60}:{rest_s % 60:02d}"


def greyed(items: list[Item]) -> list[Item]:
    """Return `items` as something that was; the badges that say why keep their colours."""
    return [Item([(text, pen if pen in LOUD else "stale") for text, pen in item.spans], item.rank) for item in items]


def badges(link: Link, desk: str, terse: bool) -> list[Item]:
    """Return which desk elsewhere this is, whether it is still heard of, and whether it can be commanded from here."""
    word = {"live": "⇄" if terse else "ATTACHED", "lost": "LOST", "ended": "ENDED"}[link.state]
    pen = "attached" if link.state == "live" else "old"
    items = [Item([(f" {word} {cut(inert(desk), 12 if terse else 32)} ", pen)], 0)]
    if link.no_commands:
        items.append(Item([(" READ-ONLY " if not link.operator else " NO COMMANDS ", "frozen")], 0))
    return items


def connection(link: Link, terse: bool) -> list[Item]:
    """Return what is to be said of the connection: what waits for an answer first, then what is wrong with it."""
    if link.pending:
        return [Item([(f"sent, no answer yet: {cut(inert(link.pending[-1]), 24)}", "warn")], 1)]
    if link.state == "live" and (why := link.why or (link.no_commands if link.operator else "")):
        return [Item([(cut(inert(why), 60), "warn")], 3)]
    if link.round_trip_ms is not None and not terse:
        return [Item([("answers in ", "dim"), (f"{link.round_trip_ms:.0f} ms", "text")], 5)]
    return []


def venues(snapshot: Snapshot) -> Item:
    away = [venue for venue in snapshot.venues if venue.health != "up"]
    up = len(snapshot.venues) - len(away)
    spans: Line = [("venues ", "dim"), (f"{up}/{len(snapshot.venues)}", "bad" if away else "good")]
    if away:
        names = ", ".join(f"{inert(venue.name)} {venue.health}" for venue in away)
        if not up and len(away) > 1 and len({venue.health for venue in away}) == 1:
            names = f"all {away[0].health}"
        spans.append((f" {cut(names, 34)}", "warn"))
    return Item(spans, 2)


def recording(snapshot: Snapshot) -> list[Item]:
    """Return what there is to say of the tape that is being recorded: holes in it first."""
    if (tape := snapshot.recording) is None:
        return []
    if tape.trouble or tape.dropped:
        return [Item([("tape ", "dim"), (f"{count(tape.dropped)} dropped", "bad")], 1)]
    size_mb = tape.bytes / 1e6
    return [Item([("tape ", "dim"), (f"{size_mb:.1f} MB" if size_mb < 10 else f"{count(size_mb)} MB", "text")], 6)]


def doing(picture: Picture, terse: bool) -> list[Item]:
    """Return what the desk does: its flow, its speed, its money."""
    snapshot = picture.snapshot
    ticks = snapshot.ticks
    return [
        Item([(count(ticks.per_s), "text"), ("/s" if terse else " ticks/s", "dim")], 3),
        Item(latency(snapshot, terse), 4),
        Item([("pnl ", "dim"), *pnl(snapshot)], 1),
        Item([("open ", "dim"), *exposure(snapshot)], 2),
        Item([("confl " if terse else "conflated ", "dim"), (count(ticks.conflated), "text")], 5),
        Item(
            [("rej " if terse else "rejected ", "dim"), (count(ticks.rejected), "warn" if ticks.rejected else "text")],
            4,
        ),
    ]


def latency(snapshot: Snapshot, terse: bool) -> Line:
    """Return the p99 that counts: of tick to order where orders leave by themselves, else of the decision."""
    stage: Stage = "tick_to_order"
    took = snapshot.latency.get(stage, Percentiles())
    if not took.count:
        stage = "detect"
        took = snapshot.latency.get(stage, Percentiles())
    if not took.count:
        return [("p99 ", "dim"), (NOTHING, "text")]
    shown = milliseconds(took.p99)
    unit = "" if shown.endswith("s") else " ms"
    return [
        (f"{'' if terse else stage.replace('_', ' ') + ' '}p99 ", "dim"),
        (f"{shown}{unit}", "bad" if took.p99 > BUDGET_MS else "text"),
    ]


def pnl(snapshot: Snapshot) -> Line:
    if not snapshot.pnl:
        return [("no fills yet", "dim")]
    spans: Line = []
    for currency, exact in snapshot.pnl.items():
        if spans:
            spans.append((" ", "text"))
        spans += [(money(exact), "down" if exact.startswith("-") else "up"), (f" {inert(currency)}", "dim")]
    return spans


def exposure(snapshot: Snapshot) -> Line:
    """Return what was bought and not sold, or the other way round."""
    held = {currency: exact for currency, exact in snapshot.exposure.items() if exact.strip("0.-+")}
    naked = [
        (f" naked {money(exact, signed=False)} {inert(currency)}·s", "dim")
        for currency, exact in snapshot.naked_seconds.items()
    ]
    if not held:
        return [("flat", "text"), *naked]
    told = " ".join(f"{money(exact, signed=False)} {inert(currency)}" for currency, exact in held.items())
    return [(told, "warn"), *naked]


def timing(picture: Picture) -> list[Item]:
    return [Item([(clock(picture.now_ns), "text"), ("Z", "dim")], 0)]
