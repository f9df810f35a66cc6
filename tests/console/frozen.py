"""Desks that hold still: snapshots of every state, and a second real implementation of `Desk` to show them."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Literal

import msgspec

from console.screens.coded import KeyClock
from core.analysis.state import AnalysisState, Assessment, ModelState, Opinion, Proposal, Quality, Share
from core.analysis.verdicts import Effect
from core.commands import Command
from core.desk import Link, Mode, Snapshot, TickCounts, TicketCounts
from core.execution.orders import Outcome
from core.latency import BOUNDS_MS, Latencies, Percentiles, Stage
from core.notices import Notice
from core.shown import Edge, Health, Leg, OrderView, Quote, RescuePlan, TicketView, VenueState
from core.spreads.route import Route
from core.tasks import TaskName
from core.tick import Cause

NOW_NS = 1_772_366_399_000_000_000  # 2026-03-01 11:59:59 UTC
S = 1_000_000_000
MS = 1_000_000
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT")
VENUES = ("binance", "bybit", "okx")
PRICES = {"BTC/USDT": 67234.1, "ETH/USDT": 3481.22, "SOL/USDT": 151.07, "XRP/USDT": 0.6213}
TICK_SIZES = {"BTC/USDT": "0.01", "ETH/USDT": "0.01", "SOL/USDT": "0.01", "XRP/USDT": "0.0001"}
HOSTILE = "\x1b[31m[bold]evil[/bold] [@click=app.halt]x[/]\x07\u202e\ttail"


class FrozenDesk:
    """Shows one snapshot until it is given another, and remembers what it was told."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.held = snapshot
        self.submitted: list[Command] = []

    def snapshot(self) -> Snapshot:
        return self.held

    def submit(self, command: Command) -> None:
        self.submitted.append(command)


class HandClock(KeyClock):
    """A clock for keys that only moves when it is told to."""

    def __init__(self) -> None:
        self.at_ns = 10 * S

    def now_ns(self) -> int:
        return self.at_ns

    def of(self, _event: object) -> int:
        return self.at_ns

    def passes(self, took_ns: int) -> None:
        self.at_ns += took_ns


def quotes() -> Iterator[Quote]:
    """Yield a quote for every symbol and venue, each with its own spread, age and movement."""
    for s, symbol in enumerate(SYMBOLS):
        for v, venue in enumerate(VENUES):
            middle = PRICES[symbol] * (1 + (v - 1) * (s + 1) * 4e-5)
            half = PRICES[symbol] * 3e-5
            yield Quote(
                venue,
                symbol,
                bid_price=middle - half,
                ask_price=middle + half,
                bid_volume=[0.4123, 12.7, 340.5, 15_400.0][s] * (v + 1),
                ask_volume=[0.0871, 8.11, 1_210.0, 9_800.0][s] * (3 - v),
                received_ns=NOW_NS - [80, 420, 160][v] * MS - s * 7 * MS,
                moved=(s + v) % 3 - 1,
                tick_size=TICK_SIZES[symbol],
            )


def edges() -> Iterator[Edge]:
    for s, symbol in enumerate(SYMBOLS):
        for b, buy in enumerate(VENUES):
            for v, sell in enumerate(VENUES):
                if buy != sell:
                    yield Edge(
                        Route(symbol, buy, sell), -20.6 + (v - b) * (s + 1) * 5.4, 0.4 + s, False, None, 120 * MS
                    )


@cache
def latencies() -> dict[Stage, Percentiles]:
    """Return percentiles as the desk computes them; the stages of approval and sending have none."""
    took = Latencies()
    shapes: tuple[tuple[Stage, float, int], ...] = (
        ("feed", 38.0, 9_000),
        ("ingest", 0.05, 12_000),
        ("log", 0.4, 12_000),
        ("detect", 0.09, 12_000),
    )
    for stage, middle_ms, times in shapes:
        for n in range(times):
            spread = 2 ** (((n * 7919) % 1000) / 250 - 2) * (1 + (n % 997 == 0) * 12)
            took.record(stage, int(middle_ms * spread * MS))
    return {stage: took.read(stage) for stage, _, _ in shapes} | {"tick_to_order": Percentiles()}


def venue(name: str, health: Health = "up", **more: object) -> VenueState:
    state = VenueState(
        name,
        health,
        ticks=48_211,
        ticks_per_s=667.4,
        last_ns=NOW_NS - 80 * MS,
        connects=1,
        ignored={"subscribe": 2},
        clock_ahead_ms=None if name == "bybit" else 11.6,
    )
    return msgspec.structs.replace(state, **more)


@cache
def demo_up() -> Snapshot:
    """A demo in good health: disarmed, nothing to trade."""
    return Snapshot(
        taken_ns=NOW_NS,
        started_ns=NOW_NS - 72 * S,
        mode="DEMO",
        armed=False,
        halted=False,
        halted_why="",
        approval="manual",
        log="memory",
        symbols=SYMBOLS,
        venues=tuple(venue(name) for name in VENUES),
        quotes=tuple(quotes()),
        edges=tuple(edges()),
        ticks=TickCounts(144_633, 144_600, conflated=33, consumed=144_600, rejected=4, per_s=2002.2, repeats=12),
        opportunities=61,
        ghosts={"stale": 130, "skew": 44, "depth": 9, "fee": 3},
        latency=latencies(),
        analysis=AnalysisState("OFF", "no gateway is configured"),
        faults=("hang_up", "silence"),
        notices=(Notice(NOW_NS - 60 * S, "info", "the desk has started; it is disarmed"),),
    )


@cache
def just_started() -> Snapshot:
    """Nothing has arrived yet."""
    return Snapshot(
        taken_ns=NOW_NS,
        started_ns=NOW_NS - 20 * MS,
        mode="PAPER",
        armed=False,
        halted=False,
        halted_why="",
        approval="manual",
        log="memory",
        symbols=SYMBOLS,
        venues=tuple(VenueState(name, "connecting") for name in VENUES),
    )


@cache
def venue_down() -> Snapshot:
    """One venue is away, another sends no XRP; some quotes cannot be traded, and say why."""
    base = demo_up()
    gone: dict[tuple[str, str], Cause] = {("okx", symbol): "stale" for symbol in SYMBOLS}
    gone |= {("bybit", "SOL/USDT"): "crossed", ("bybit", "ETH/USDT"): "gap"}
    held = tuple(
        msgspec.structs.replace(
            quote,
            cause=gone.get((quote.venue, quote.symbol)),
            received_ns=quote.received_ns - (8 * S if quote.venue == "okx" else 0),
        )
        for quote in base.quotes
        if (quote.venue, quote.symbol) != ("bybit", "XRP/USDT")
    )
    why = "hung up (1006); tried again in 4 s"
    venues = (
        venue("binance", rejected={"gap": 2}),
        venue("bybit", mute=("XRP/USDT",), rejected={"bad_json": 3, "no_price": 1}, connects=2),
        venue("okx", "down", why=why, ticks_per_s=0.0, last_ns=NOW_NS - 8 * S, connects=4),
    )
    ghosts: dict[int, Cause] = {1: "stale", 3: "stale", 9: "skew", 16: "depth", 17: "inventory"}
    found = tuple(
        msgspec.structs.replace(edge, edge_bps=abs(edge.edge_bps) + 2.5, cause=ghosts[at]) if at in ghosts else edge
        for at, edge in enumerate(base.edges)
        if edge.route.symbol != "XRP/USDT" or "bybit" not in edge.route
    )
    return msgspec.structs.replace(base, venues=venues, quotes=held, edges=found)


def ticket(
    ticket_id: str = "t-1",
    symbol: str = "BTC/USDT",
    code: str = "KP",
    *,
    opened_ns: int = NOW_NS - 6 * S,
    state: Literal["open", "approved", "refused", "expired", "done"] = "open",
    why: str = "",
) -> TicketView:
    return TicketView(
        ticket_id,
        Route(symbol, "binance", "okx"),
        Leg("buy", "binance", "0.0148", "67230.12", "67250.29"),
        Leg("sell", "okx", "0.0148", "67401.90", "67381.68"),
        edge_bps=5.5,
        profit="0.54871",
        worst_profit="-0.0483",
        currency="USDT",
        code=code,
        opened_ns=opened_ns,
        expires_ns=opened_ns + 30 * S,
        state=state,
        why=why,
        live_edge_bps=4.1 if state == "open" else None,
        live_age_ns=180 * MS,
        max_loss="4.9751",
        rescue=RescuePlan(VENUES, 8, 30.0, (3.0, 6.0, 12.0)),
    )


OUTCOMES: tuple[tuple[Literal["intent", "sent"] | Outcome, str, str, str], ...] = (
    ("filled", "0.0148", "67230.12", ""),
    ("filled", "0.0148", "67401.90", ""),
    ("partly_filled", "0.0021", "67231.00", "the rest found no price"),
    ("rejected", "0", "", "insufficient balance"),
    ("not_sent", "0", "", "past its deadline"),
    ("unknown", "0", "", "no answer within 2 s; asked for by its client id"),
    ("sent", "0", "", ""),
    ("intent", "0", "", ""),
)


def orders() -> tuple[OrderView, ...]:
    """Return an order of each state, the oldest first."""
    return tuple(
        OrderView(
            f"d{n:011d}",
            f"t{n // 2}",
            VENUES[n % 3],
            "BTC/USDT",
            "buy" if n % 2 == 0 else "sell",
            "0.0148",
            "67250.29" if n % 2 == 0 else "67381.68",
            state,
            filled,
            average,
            "0.99500 USDT" if average else "",
            NOW_NS - (40 - 4 * (n - n % 2)) * S,
            why,
            received_ns=NOW_NS - (40 - 4 * (n - n % 2)) * S - 9 * MS,
            decided_ns=NOW_NS - (40 - 4 * (n - n % 2)) * S - 8 * MS,
            sent_ns=NOW_NS - (40 - 4 * (n - n % 2)) * S + (1 + n % 2) * MS
            if state not in ("intent", "not_sent")
            else 0,
            answered_ns=NOW_NS - (40 - 4 * (n - n % 2)) * S + (16 + 5 * (n % 2)) * MS if average else 0,
        )
        for n, (state, filled, average, why) in enumerate(OUTCOMES)
    )


def trading(mode: Mode = "DEMO") -> Snapshot:
    """Armed, with opportunities, two open tickets and orders of each state."""
    base = venue_down() if mode == "DEMO" else demo_up()
    pays = {0: 5.5, 6: 12.4}
    found = tuple(
        msgspec.structs.replace(edge, edge_bps=pays[at], tradable=True, cause=None) if at in pays else edge
        for at, edge in enumerate(base.edges)
    )
    counts = {state: sum(o.state == state for o in orders()) for state, _, _, _ in OUTCOMES[:6]} | {"sent": 7}
    return msgspec.structs.replace(
        base,
        mode=mode,
        armed=True,
        edges=found,
        tickets=(
            ticket("t-0", "SOL/USDT", "QA", opened_ns=NOW_NS - 50 * S, state="expired", why="nobody answered"),
            ticket("t-1", "ETH/USDT", "MB", opened_ns=NOW_NS - 26 * S),
            ticket("t-2"),
        ),
        ticket_counts=TicketCounts(9, 3, 4, 0),
        orders=orders(),
        order_counts=counts,
        pnl={"USDT": "1.28831"},
        exposure={"USDT": "141.2"},
        notices=(
            *base.notices,
            Notice(NOW_NS - 30 * S, "warning", "okx hung up; 4 quotes withdrawn", 2),
            Notice(NOW_NS - 3 * S, "error", "an order on okx is of unknown fate: it is asked for by its client id"),
        ),
    )


@cache
def halted() -> Snapshot:
    return msgspec.structs.replace(
        trading(),
        armed=False,
        halted=True,
        halted_why="halted from the console",
        tickets=(ticket(state="refused", why="halted from the console"),),
        notices=(Notice(NOW_NS, "warning", "halted from the console"),),
    )


def opinion(task: TaskName, model: str, word: str, score: float, effect: Effect = "comment", note: str = "") -> Opinion:
    return Opinion(task, model, word, score, "scale_error", note, NOW_NS - 4 * S, NOW_NS + 26 * S, 420.0, effect)


@cache
def judged() -> Snapshot:
    """The models at work: one of each state, with verdicts, a proposal, and what it cost."""
    models = (
        ModelState(
            "deepseek-v3.2", "BUSY", "", 1_204, 3, 5, 481_600, 192_000, 60_200, 420.0, True, tasks=("anomaly",),
            cost_usd="0.227556", hour_usd="0.0911", per_opportunity_usd="0.00373",
        ),
        ModelState("gemini-2.5-flash", "OPEN", "server error; asked again in 24 s", 14, 9, tasks=("classification",)),
        ModelState(
            "claude-sonnet-4.5", "BUDGET", "the cap of this hour is reached; 0.0031 USD are left", 7, tasks=("risk",)
        ),
        ModelState(
            "gpt-4.1", "READY", "", 2, 0, 0, 2_210, 0, 402, 2_140.0, tasks=("strategy",), cost_usd="0.020896",
            hour_usd="0.02", per_opportunity_usd="0.0003",
            comment_only="F1 0.40 is no better than the baseline's 0.71, which is free",
        ),
    )  # fmt: skip
    halt = opinion("anomaly", "deepseek-v3.2", "halt", 0.98, "veto", "SIMULATED: the price is of another unit")
    kind = opinion("classification", "gemini-2.5-flash", "unit_mixup", 0.9, "shrink", "the same, ?12 times")
    risk = opinion("risk", "claude-sonnet-4.5", "ok", 0.1, note="both quotes are fresh")
    return msgspec.structs.replace(
        trading(),
        analysis=AnalysisState(
            "BUSY", "", 1_227, 12, "0.248452", "api.example.org", True, models, "0.4969", "0.50", "1.2", "5.00",
            waiting=2, merged=941, dropped=3, outcomes={"ok": 1_215, "server_error": 9, "prose": 3},
            spark=(0, 120, 800, 2_400, 90, 0, 310), vetoes=2,
            assessments=(
                Assessment("SOL/USDT", "bybit", "", 41.7, "scale_error", (halt, kind)),
                Assessment("BTC/USDT", "binance", "okx", 0.31, "in_line", (risk,)),
                Assessment("XRP/USDT", "okx", "", 0.66, "wide_spread"),
                Assessment("ETH/USDT", "okx", "", None, "new"),
            ),
            proposal=Proposal(
                "p1", "gpt-4.1", NOW_NS - 90 * S,
                (
                    Share("BTC/USDT", "binance", "okx", 62.5, 6.1, 1.0),
                    Share("SOL/USDT", "okx", "bybit", 37.5, 2.2, 0.75),
                ),
                "more to what filled in full",
            ),
            in_force=Proposal(
                "p0", "gpt-4.1", NOW_NS - 1_900 * S, (Share("BTC/USDT", "okx", "bybit", 30, 4.0, 0.6),), "",
                "person", NOW_NS - 1_800 * S,
            ),
            quality=(Quality("baseline", 24, 23, 31, 25), Quality("deepseek-v3.2", 24, 20, 21, 21, 4_100)),
        ),
    )  # fmt: skip


@cache
def automatic() -> Snapshot:
    """Orders leave by themselves, and too late: the budget is broken."""
    bars = tuple(120 * k * k if k < 14 else 40 for k in range(len(BOUNDS_MS) + 1))
    took = Percentiles(1_912, 18.4, 61.2, 240.0, 902.0, bars)
    return msgspec.structs.replace(
        trading(), approval="auto", latency={**latencies(), "tick_to_order": took, "send": took, "ack": took}
    )


@cache
def lost() -> Snapshot:
    """A desk elsewhere that is not heard of any more."""
    link = Link("lost", "desk mill is silent, and Kafka answers", 6 * S, operator="ann", pending=("arm it",))
    return msgspec.structs.replace(trading(), link=link, desk="mill", taken_ns=NOW_NS - 6 * S)


@cache
def hostile() -> Snapshot:
    """A venue that puts markup, escape codes and invisible signs into all its texts."""
    return msgspec.structs.replace(
        trading(),
        venues=(venue("binance", "down", why=HOSTILE, rejected={HOSTILE: 2}), venue("bybit"), venue("okx")),
        orders=(msgspec.structs.replace(orders()[3], why=HOSTILE),),
        notices=(Notice(NOW_NS, "error", HOSTILE),),
        tickets=(ticket(), msgspec.structs.replace(ticket("t-9"), state="refused", why=HOSTILE)),
        analysis=AnalysisState(
            "OPEN",
            HOSTILE,
            gateway=HOSTILE,
            models=(
                ModelState(HOSTILE, "OPEN", HOSTILE, tasks=()),
                ModelState("m", "READY", tasks=(), comment_only=HOSTILE),
            ),
            assessments=(
                Assessment(
                    "BTC/USDT", HOSTILE, "", 2.0, "price_off", (opinion("risk", HOSTILE, HOSTILE, 1, note=HOSTILE),)
                ),
            ),
            outcomes={HOSTILE: 3},
            proposal=Proposal("p", HOSTILE, NOW_NS, (Share("BTC/USDT", HOSTILE, HOSTILE, 1, 1, 1),), HOSTILE),
            in_force=Proposal("q", HOSTILE, 1, (Share("BTC/USDT", HOSTILE, HOSTILE, 1, 1, 1),), "", HOSTILE, NOW_NS),
        ),
        pnl={"[red]": "1"},
    )


@cache
def crowded() -> Snapshot:
    """Forty symbols on five venues."""
    base = demo_up()
    names = (*VENUES, "kraken", "coinbase")
    symbols = tuple(f"C{n:02d}/USDT" for n in range(40))
    some = base.quotes[:3]
    return msgspec.structs.replace(
        base,
        symbols=symbols,
        venues=tuple(venue(name) for name in names),
        quotes=tuple(
            msgspec.structs.replace(some[n % 3], symbol=symbol, venue=name)
            for symbol in symbols
            for n, name in enumerate(names)
        ),
        edges=tuple(
            Edge(Route(symbol, buy, sell), (hash((n, buy)) % 600) / 10 - 40, 1.0, False, "fee" if n % 9 == 0 else None)
            for n, symbol in enumerate(symbols)
            for buy in names
            for sell in names
            if buy != sell
        ),
    )


SNAPSHOTS: dict[str, Callable[[], Snapshot]] = {
    "demo_up": demo_up,
    "just_started": just_started,
    "venue_down": venue_down,
    "trading": trading,
    "halted": halted,
    "judged": judged,
    "automatic": automatic,
    "hostile": hostile,
    "lost": lost,
    "crowded": crowded,
}
