"""Joins the models to the desk: where they are, what they may cost, what they are asked about, and what is shown."""

import os
import stat
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import replace

from core.analysis.analyst import Analyst, Patience
from core.analysis.prices import Price, dollars
from core.analysis.proposals import Session
from core.analysis.questions import RouteNumbers
from core.analysis.standing import ModelFacts, ModelStanding, State
from core.analysis.state import AnalysisState, Assessment, ModelState, Opinion
from core.analysis.tasks import TASKS, Judgement, Strategy, TaskName
from core.analysis.verdicts import Held, Subject
from core.analysis.watch import Offer
from core.analysis.wire import Asked, Configuration
from core.errors import ConfigurationError
from core.execution.orders import Placed, currencies
from core.execution.tickets import Ticket
from core.settings import AnalysisSettings, TaskSettings
from core.spreads.detector import Detector
from core.spreads.route import Opportunity, Route

GATEWAY_URL = "https://api.holysheep.ai/v1"
KEY = "HOLYSHEEP_API_KEY"
SHOWN = 40  # assessments
MOST_ROUTES = 12  # that the strategy is asked about
NO_KEY = f"no key: set {KEY} in the environment, or analysis.key_file, and start again"


class Gateway(NamedTuple):
    """Where models are asked, and with what key; `key` "" says that they are off, and `why_off` why."""

    url: str
    key: str
    why_off: str = ""
    simulated: bool = False

    def __repr__(self) -> str:
        return f"Gateway({self.url!r})"  # never the key


def gateway(settings: AnalysisSettings, role: str, simulated_url: str | None) -> Gateway:
    """Return where to ask. A demo asks its own simulated gateway, unless a gateway is named.

    Raises:
        ConfigurationError: the key's file cannot be read, or others can read it too.
    """
    url = settings.gateway_url or simulated_url or GATEWAY_URL
    if not settings.enabled:
        return Gateway(url, "", "switched off by analysis.enabled = false")
    if role == "collector":
        return Gateway(url, "", "a collector holds no book; the worker asks the models")
    if settings.gateway_url is None and simulated_url is not None:
        return Gateway(url, "simulated", simulated=True)
    key = os.environ.get(KEY, "").strip() or (_read_key(settings.key_file) if settings.key_file else "")
    return Gateway(url, key, "" if key else NO_KEY)


def _read_key(file: Path) -> str:
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise ConfigurationError(
                f"analysis.key_file: {file}", why="others can read it", do=f"Run: chmod 600 {file}"
            )
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"analysis.key_file: {file}", why=str(error), do="Name a file with the key.") from None


def configuration(settings: AnalysisSettings, at: Gateway, ledger: Path) -> Configuration | None:
    """Return what the models' process is told; None while they are off."""
    if not at.key:
        return None
    return Configuration(
        url=at.url,
        key=at.key,
        ledger=str(ledger),
        cap_hour=int(settings.cap_per_hour_usd * 1_000_000),
        cap_day=int(settings.cap_per_day_usd * 1_000_000),
        prices={
            model: Price.per_million(price.output, price.input, price.cached_input)
            for model, price in settings.prices.items()
        },
        tasks={task: Asked(one.model, one.fallback) for task, one in of_task(settings).items()},
        timeout_s=settings.timeout_s,
        most_retries=settings.retries,
        concurrency=settings.concurrency,
    )


def of_task(settings: AnalysisSettings) -> dict[TaskName, TaskSettings]:
    return {task: getattr(settings, task) for task in TASKS}


def patience(settings: AnalysisSettings) -> dict[TaskName, Patience]:
    return {task: Patience(one.ttl_s, one.cool_down_s) for task, one in of_task(settings).items()}


class SessionBook:
    """What each route brought in this run, in ratios: what the strategy is asked about."""

    def __init__(self) -> None:
        self._found: dict[Route, tuple[int, float]] = {}  # opportunities, and the sum of their edges in bps

    def note(self, opportunity: Opportunity) -> None:
        times, total = self._found.get(opportunity.route, (0, 0.0))
        self._found[opportunity.route] = times + 1, total + opportunity.edge_bps

    def session(self, orders: Iterable[Placed], session_s: float, slippage_bps: float, send_ms: float) -> Session:
        """Return the routes that paid most often, with what became of their trades."""
        often = sorted(self._found.items(), key=lambda one: -one[1][0])[:MOST_ROUTES]
        results = _results(orders)
        routes = tuple(
            RouteNumbers(n, *route, times, total / times, *results.get(route, (0, 0, 0.0)))
            for n, (route, (times, total)) in enumerate(often)
        )
        return Session(session_s, slippage_bps, send_ms, routes)


def _results(orders: Iterable[Placed]) -> dict[Route, tuple[int, int, float]]:
    """Return for each route: trades filled in full, others, and the net result in bps of what was bought."""
    trades: dict[str, dict[str, Placed]] = {}
    for placed in orders:
        trades.setdefault(placed.order.trade_id, {})[placed.order.side] = placed
    sums: dict[Route, tuple[int, int, Decimal, Decimal]] = {}
    for legs in trades.values():
        if len(legs) != 2:
            continue
        buy, sell = legs["buy"], legs["sell"]
        route = Route(buy.order.symbol, buy.order.venue, sell.order.venue)
        filled, missed, net, bought = sums.get(route, (0, 0, Decimal(0), Decimal(0)))
        if buy.state == sell.state == "filled":
            paid, got = _value(buy), _value(sell)
            filled, net, bought = filled + 1, net + got - paid - _fees(buy) - _fees(sell), bought + paid
        else:
            missed += 1
        sums[route] = filled, missed, net, bought
    return {
        route: (filled, missed, float(net / bought * 10_000) if bought else 0.0)
        for route, (filled, missed, net, bought) in sums.items()
    }


def _value(placed: Placed) -> Decimal:
    return sum((fill.price * fill.size for fill in placed.fills), Decimal(0))


def _fees(placed: Placed) -> Decimal:
    """Return an order's fees in the quote currency; those in another one than base and quote are left out."""
    base, quote = currencies(placed.order.symbol)
    fees = placed.fees
    return fees.get(quote, Decimal(0)) + fees.get(base, Decimal(0)) * (placed.average or Decimal(0))


def offers(tickets: Iterable[Ticket], detector: Detector, now_ns: int) -> Iterator[Offer]:
    """Yield the open tickets in ratios, as the risk task is asked about them."""
    for ticket in tickets:
        if ticket.state != "open":
            continue
        trade = ticket.trade
        quotes = [detector.book.quote(order.venue, order.symbol) for order in trade.legs]
        bought, sold = quotes
        if bought is None or sold is None:
            continue
        notional = float(trade.buy.size * trade.buy_price)
        yield Offer(
            ticket.ticket_id,
            trade.route,
            trade.edge_bps,
            float(trade.worst_profit) / notional * 1e4,
            (now_ns - min(bought.received_ns, sold.received_ns)) / 1e6,
            (now_ns - ticket.opened_ns) / 1e9,
            min(bought.ask_volume, sold.bid_volume) / float(trade.buy.size),
        )


def state(analyst: Analyst, settings: AnalysisSettings, at: Gateway, opportunities: int) -> AnalysisState:
    """Return what is shown of the models."""
    standing = analyst.standing
    overall, why = _overall(analyst)
    return AnalysisState(
        state=overall,
        why=why,
        calls=analyst.calls,
        failed=analyst.failed,
        cost_usd=dollars(analyst.micro_usd),
        gateway=(urlsplit(at.url).hostname or "") if analyst.on else "",
        simulated=at.simulated,
        models=tuple(_models(analyst, settings, opportunities)),
        hour_usd=dollars(standing.hour_micro_usd),
        hour_cap_usd=f"{settings.cap_per_hour_usd:f}",
        day_usd=dollars(standing.day_micro_usd),
        day_cap_usd=f"{settings.cap_per_day_usd:f}",
        waiting=len(analyst.inbox),
        merged=analyst.inbox.merged,
        dropped=analyst.inbox.dropped,
        late=analyst.inbox.late + analyst.outcomes["late"],
        outcomes=dict(analyst.outcomes),
        spark=tuple(analyst.spark),
        assessments=tuple(_assessments(analyst)),
        proposal=analyst.proposals.present,
        quality=analyst.truth.quality() if analyst.truth is not None else (),
        vetoes=analyst.verdicts.vetoes,
    )


def _overall(analyst: Analyst) -> tuple[State, str]:
    standing = analyst.standing
    if not analyst.on or not standing.ready:
        return "OFF", standing.why
    in_use = [one for one in standing.models if one.calls or one.state != "READY"] or list(standing.models)
    states = [one.state for one in in_use]
    for wanted in ("BUSY", "READY"):
        if wanted in states:
            return wanted, ""
    worst: Literal["OPEN", "BUDGET"] = "BUDGET" if "BUDGET" in states else "OPEN"
    return worst, next(one.why for one in in_use if one.state == worst)


def _models(analyst: Analyst, settings: AnalysisSettings, opportunities: int) -> Iterator[ModelState]:
    held = {one.model: one for one in analyst.standing.models}
    tasks: dict[str, list[TaskName]] = {}
    for task, by in of_task(settings).items():
        tasks.setdefault(by.model, []).append(task)
        if by.fallback:
            tasks.setdefault(by.fallback, [])
    for model, asked in tasks.items():
        one = held.get(model, ModelStanding(model, "OFF", analyst.standing.why))
        if not analyst.standing.ready:
            one = replace(one, state="OFF", why=analyst.standing.why)
        facts = {name: getattr(one, name) for name in ModelFacts.__struct_fields__}
        yield ModelState(
            **{**facts, "estimate": settings.prices[model].input is None},
            tasks=tuple(asked),
            cost_usd=dollars(one.micro_usd),
            hour_usd=dollars(one.hour_micro_usd),
            per_opportunity_usd=dollars(one.micro_usd // opportunities) if opportunities and one.calls else "",
            comment_only=analyst.verdicts.comment_only.get(model, ""),
        )


def _assessments(analyst: Analyst) -> list[Assessment]:
    opinions: dict[Subject, list[Opinion]] = {}
    for held in analyst.verdicts.all():
        opinions.setdefault(held.subject, []).append(_opinion(held, analyst))
    rows = [
        Assessment(symbol, one.venue, "", one.score, one.oddity, tuple(opinions.pop(Subject(symbol, one.venue), ())))
        for symbol, scores in analyst.watch.scores.items()
        for one in scores
    ]
    for subject, said in opinions.items():
        scored = [
            one for one in analyst.watch.scores.get(subject.symbol, ()) if one.venue in (subject.venue, subject.sell)
        ]
        worst = max(scored, key=lambda one: one.score, default=None)
        rows.append(Assessment(*subject, worst.score if worst else None, worst.oddity if worst else "new", tuple(said)))
    return sorted(rows, key=_urgency)[:SHOWN]


def _urgency(row: Assessment) -> tuple[bool, bool, float]:
    return not any(one.effect == "veto" for one in row.opinions), not row.opinions, -(row.score or 0.0)


def _opinion(held: Held, analyst: Analyst) -> Opinion:
    answer = held.answer
    assert not isinstance(answer, Strategy)
    word: str
    if isinstance(answer, Judgement):
        word, score, reason = answer.verdict, answer.score, answer.reason_code
        because = str(reason)
    else:
        word, score, because = answer.kind, answer.confidence, ""
    muted = held.model in analyst.verdicts.comment_only
    return Opinion(
        held.task, held.model, word, score, because, answer.note, held.asked_ns, held.expires_ns, held.latency_ms,
        "comment" if muted else held.effect,
    )  # fmt: skip
