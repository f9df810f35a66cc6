"""The desk's figures for Prometheus, on loopback: `--metrics-port`. Source: prometheus_client 0.26."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

from prometheus_client import start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from core.desk import Desk, Snapshot, TickCounts
from core.errors import ConfigurationError
from core.latency import BOUNDS_MS, Percentiles, Stage

HOST = "127.0.0.1"
EVERY_S = 1.0  # how often the desk is asked; who scrapes more often sees the same, and how old it is


@asynccontextmanager
async def served(desk: Desk, port: int) -> AsyncIterator[None]:
    """Serve what `desk` shows at http://127.0.0.1:port/metrics as long as the context lasts.

    Raises:
        ConfigurationError: the port cannot be had.
    """
    figures = Figures(desk.snapshot())
    registry = CollectorRegistry()
    registry.register(figures)
    try:
        server, thread = start_http_server(port, HOST, registry)
    except OSError as error:
        raise ConfigurationError(
            f"metrics_port = {port}", why=error.strerror or repr(error), do="Choose another port."
        ) from None
    asking = asyncio.create_task(_ask(figures, desk))
    try:
        yield
    finally:
        asking.cancel()
        await asyncio.wait([asking])
        await asyncio.to_thread(_close, server.shutdown, server.server_close, thread.join)


def _close(*steps: Callable[[], object]) -> None:
    for step in steps:
        step()


async def _ask(figures: "Figures", desk: Desk) -> None:
    while True:
        await asyncio.sleep(EVERY_S)
        figures.latest = desk.snapshot()


class Figures(Collector):
    """Turns the latest snapshot into metrics. It is asked in threads of the server, and the desk never is."""

    def __init__(self, latest: Snapshot) -> None:
        self.latest = latest

    def collect(self) -> Iterable[Metric]:
        now = self.latest
        yield _gauge("snapshot_age_seconds", "How old these figures are.", time.time() - now.taken_ns / 1e9)
        yield _gauge("armed", "1: approved trades leave the desk.", now.armed)
        yield _gauge("halted", "1: the desk is halted.", now.halted)
        yield from _ticks(now.ticks)
        lag = {str(partition): waiting for partition, waiting in now.ticks.lag.items()}
        yield _gauges("log_lag_records", "Records that wait to be read.", "partition", lag)
        yield _counters("venue_ticks", "Ticks of a venue.", "venue", {venue.name: venue.ticks for venue in now.venues})
        up = {venue.name: float(venue.health == "up") for venue in now.venues}
        yield _gauges("venue_up", "1: the venue's feed is up.", "venue", up)
        ages = {venue.name: (now.taken_ns - venue.last_ns) / 1e9 for venue in now.venues if venue.last_ns}
        yield _gauges("venue_last_tick_age_seconds", "Since the venue's last tick.", "venue", ages)
        yield _counter("opportunities", "Opportunities found.", now.opportunities)
        yield _counters("ghosts", "Edges that only seemed to pay, by cause.", "cause", now.ghosts)
        yield _counters("orders", "Orders sent, and how they ended.", "outcome", now.order_counts)
        yield _counters("refusals", "Trades that the limits refused.", "reason", now.refusals)
        yield _gauges("profit", "Of this run's fills.", "currency", _numbers(now.pnl))
        yield _gauges("exposure", "On one side only.", "currency", _numbers(now.exposure))
        yield _counters(
            "naked_seconds", "Notional on one side only, times seconds.", "currency", _numbers(now.naked_seconds)
        )
        models = now.analysis.models
        yield _counters("model_calls", "Calls of a model.", "model", {one.model: one.calls for one in models})
        cost = CounterMetricFamily("arbdesk_model_cost_usd", "What the models cost.")
        cost.add_metric([], float(now.analysis.cost_usd))
        yield cost
        yield _latencies(now.latency)


def _ticks(ticks: TickCounts) -> Iterable[Metric]:
    became = {
        "acked": ticks.acked,
        "conflated": ticks.conflated,
        "dropped": ticks.dropped,
        "unknown": ticks.unknown,
    }
    read = {
        "consumed": ticks.consumed,
        "superseded": ticks.superseded,
        "repeats": ticks.repeats,
        "strange": ticks.strange,
        "foreign": ticks.foreign,
        "poison": ticks.poison,
        "lost": ticks.lost,
    }
    yield _counter("ticks_offered", "Ticks offered to the log.", ticks.offered)
    yield _counters("ticks", "Ticks offered to the log, by what became of them.", "became", became)
    yield _gauge("ticks_queued", "Ticks that wait for the log.", ticks.queued)
    yield _gauge("ticks_in_flight", "Ticks that are sent and not acknowledged.", ticks.in_flight)
    yield _counter("ticks_rejected", "Frames that brought no tick though they should have.", ticks.rejected)
    yield _counters("ticks_read", "Ticks read from the log, by what became of them.", "became", read)


def _gauge(name: str, means: str, value: float) -> Metric:
    return GaugeMetricFamily(f"arbdesk_{name}", means, value=float(value))


def _counter(name: str, means: str, value: float) -> Metric:
    return CounterMetricFamily(f"arbdesk_{name}", means, value=value)


def _gauges(name: str, means: str, label: str, values: Mapping[str, float]) -> Metric:
    return _labelled(GaugeMetricFamily(f"arbdesk_{name}", means, labels=[label]), values)


def _counters(name: str, means: str, label: str, values: Mapping[str, float]) -> Metric:
    return _labelled(CounterMetricFamily(f"arbdesk_{name}", means, labels=[label]), values)


def _labelled(
    metric: GaugeMetricFamily | CounterMetricFamily, values: Mapping[str, float]
) -> GaugeMetricFamily | CounterMetricFamily:
    for name, value in values.items():
        metric.add_metric([name], value)
    return metric


def _numbers(amounts: Mapping[str, str]) -> dict[str, float]:
    return {currency: float(amount) for currency, amount in amounts.items()}


def _latencies(stages: Mapping[Stage, Percentiles]) -> Metric:
    """Return the desk's own histograms; they keep no sum of what they counted."""
    metric = HistogramMetricFamily("arbdesk_stage_seconds", "How long each stage took.", labels=["stage"])
    for stage, took in stages.items():
        counted, buckets = 0, []
        for bound_ms, n in zip((*BOUNDS_MS, float("inf")), took.bars, strict=False):
            counted += n
            buckets.append(("+Inf" if bound_ms == float("inf") else f"{bound_ms / 1e3:.8g}", counted))
        if buckets:
            metric.add_metric([stage], buckets, sum_value=None)
    return metric
