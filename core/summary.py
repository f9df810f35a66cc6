"""The one JSON object that a run leaves behind."""

from collections.abc import Mapping
from typing import Any

import msgspec

from core.analysis.state import Proposal
from core.depth import DepthState
from core.desk import Snapshot, TickCounts
from core.spreads.markout import MarkoutState

IDENTITY = ("offered", "acked", "queued", "in_flight", "conflated", "dropped", "unknown")
MOST_ACROSS = 20  # routes across currencies in a line of the log
FATES = ("sent", "filled", "partly_filled", "rejected", "not_sent", "unknown")


def identity(ticks: TickCounts) -> dict[str, int]:
    """Return what became of every tick: the first number is the sum of all others."""
    return {name: getattr(ticks, name) for name in IDENTITY}


def status(snapshot: Snapshot) -> dict[str, Any]:
    """Return how a desk is at this moment, short enough for a line of its log some times a second."""
    ticks = snapshot.ticks
    return {
        "ticks": {**identity(ticks), "consumed": ticks.consumed, "per_s": round(ticks.per_s)},
        "lag": {str(partition): waiting for partition, waiting in ticks.lag.items()},
        "positions": {str(partition): offset for partition, offset in ticks.positions.items()},
        "venues_up": sum(venue.health == "up" for venue in snapshot.venues),
        "armed": snapshot.armed,
        "halted": snapshot.halted,
        "orders": dict(snapshot.order_counts),
        "trouble": list(snapshot.trouble),
        **(_across(snapshot) if snapshot.rates else {}),
    }


def _across(snapshot: Snapshot) -> dict[str, Any]:
    """Return what quote currencies are worth, and the best routes across them, which nobody trades."""
    return {
        "rates": {
            rate.currency: {
                "bid": rate.bid,
                "ask": rate.ask,
                "age_ms": round(rate.age_ns / 1e6, 1),
                "venues": list(rate.venues),
                "symbols": list(rate.symbols),
                "far_bps": _rounded(rate.far_bps),
                "off": rate.off,
            }
            for rate in snapshot.rates
        },
        "cross": [
            {
                "base": one.base,
                "buy": f"{one.buy} {one.buy_symbol}",
                "sell": f"{one.sell} {one.sell_symbol}",
                "edge_bps": round(one.edge_bps, 2),
                "basis_bps": _rounded(one.basis_bps),
                "premium_bps": _rounded(one.premium_bps),
                "age_ms": round(one.age_ns / 1e6, 1),
                "rate_age_ms": round(one.rate_age_ns / 1e6, 1),
                "rate_venues": list(one.rate_venues),
                "pays": one.pays,
                "cause": one.cause,
                "off": list(one.off),
            }
            for one in snapshot.cross[:MOST_ACROSS]
        ],
        "premiums": msgspec.to_builtins(snapshot.premiums[:MOST_ACROSS]),
        "across": msgspec.to_builtins(snapshot.across),
    }


def _rounded(bps: float | None) -> float | None:
    return None if bps is None else round(bps, 2)


def _markout(state: MarkoutState) -> dict[str, Any]:
    """Return predicted against realisable edge: of all opportunities, and of the routes found most often."""
    total = msgspec.to_builtins(msgspec.structs.replace(state, newest=()))
    return {**total["total"], "left_out": total["left_out"], "routes": total["routes"]}


def summary(snapshot: Snapshot, truth: Mapping[str, object] | None) -> dict[str, Any]:
    """Return what the design's schema names, from the last snapshot; `truth` is there in a demo only."""
    ticks, analysis = snapshot.ticks, snapshot.analysis
    result: dict[str, Any] = {
        "elapsed_s": round((snapshot.taken_ns - snapshot.started_ns) / 1e9, 3),
        "mode": snapshot.mode,
        "ticks": {
            "received": ticks.offered,
            "appended": ticks.acked,
            "consumed": ticks.consumed,
            **identity(ticks),
            "rejected": ticks.rejected,
            "repeats": ticks.repeats,
            # A desk without feeds of its own, or on a tape, does not tell ticks from withdrawals.
            "withdrawals": ticks.offered - sum(ticks.by_venue.values()) if ticks.by_venue else None,
            "strange": ticks.strange,
            "foreign": ticks.foreign,
            "poison": ticks.poison,
            "poison_at": ticks.poison_at,
            "lost": ticks.lost,
            "superseded": ticks.superseded,
            "lag": {str(partition): waiting for partition, waiting in ticks.lag.items() if waiting},
            "by_venue": dict(ticks.by_venue),
        },
        "venues": {
            venue.name: {
                "connects": venue.connects,
                "rejected": dict(venue.rejected),
                "ignored": dict(venue.ignored),
                "mute": list(venue.mute),
                "clock": {
                    "ahead_at_least_ms": venue.clock_ahead_ms,
                    "offset_ms": venue.clock_offset_ms,
                    "bound_ms": venue.clock_bound_ms,
                },
                "late_ms": venue.late_ms,
                "collectors": [
                    {"name": one.collector, "behind_ms": one.behind_ms, "first": one.first, "compared": one.compared}
                    for one in venue.copies
                ],
            }
            for venue in snapshot.venues
        },
        "depth": _depth(snapshot.depth),
        "routes": len(snapshot.edges),
        "opportunities": {"found": snapshot.opportunities, "ghosts": dict(snapshot.ghosts)},
        "markout": _markout(snapshot.markout),
        "tickets": msgspec.to_builtins(snapshot.ticket_counts),
        "orders": {fate: snapshot.order_counts.get(fate, 0) for fate in FATES},
        "refusals": dict(snapshot.refusals),
        **_order_gateway(snapshot),
        "pnl": dict(snapshot.pnl),
        "profit": _profit(snapshot),
        "fees": msgspec.to_builtins(snapshot.fees),
        "inventory": msgspec.to_builtins(snapshot.inventory),
        "naked_seconds": dict(snapshot.naked_seconds),
        "dust": dict(snapshot.dust),
        "open": [
            {"trade_id": one.trade_id, "symbol": one.symbol, "base": one.base, "owner": one.owner, "why": one.why}
            for one in snapshot.exposures
        ],
        "analysis": {
            "calls": analysis.calls,
            "failed": analysis.failed,
            "cost_usd": analysis.cost_usd,
            "by_model": {
                one.model: {
                    "state": one.state,
                    "calls": one.calls,
                    "failed": one.failed,
                    "tokens": {"input": one.input_tokens, "cached": one.cached_tokens, "output": one.output_tokens},
                    "cost_usd": one.cost_usd,
                    "estimate": one.estimate,
                }
                for one in analysis.models
            },
            "outcomes": dict(analysis.outcomes),
            "vetoes": analysis.vetoes,
            "in_force": _in_force(analysis.in_force),
        },
        "latency_ms": {
            stage: {
                "count": took.count,
                **{name: getattr(took, name) if took.count else None for name in ("p50", "p99", "p999", "max")},
            }
            for stage, took in snapshot.latency.items()
        },
    }
    if (tape := snapshot.recording) is not None:
        result["recording"] = {name: getattr(tape, name) for name in tape.__struct_fields__}
    if len({symbol.rpartition("/")[2] for symbol in snapshot.symbols}) > 1:
        result["currencies"] = _across(snapshot)
    if truth is not None:
        result["truth"] = dict(truth)
    return result


def _depth(state: DepthState) -> dict[str, Any]:
    """Return what venues told of their top levels; "why": there are none at all, or none of a venue."""
    venues = {
        one.venue: {"books": one.books, "rejected": dict(one.rejected)} if one.state != "none" else {"why": one.why}
        for one in state.venues
    }
    return {"why": state.why, "venues": venues}


def _in_force(proposal: Proposal | None) -> dict[str, Any] | None:
    """Return the accepted proposal that counts, by whom and since when; None where there is none."""
    if proposal is None:
        return None
    factors = {f"{one.symbol} {one.buy} {one.sell}": one.factor for one in proposal.shares}
    accepted = {"accepted_by": proposal.accepted_by, "accepted_ns": proposal.accepted_ns}
    return {"model": proposal.model, **accepted, "factors": factors}


def _order_gateway(snapshot: Snapshot) -> dict[str, Any]:
    """Return how the order gateway did, where there is one."""
    gateway = snapshot.order_gateway
    if gateway is None:
        return {}
    venues = {
        one.venue: {
            "sent": one.sent,
            "kept": one.kept,
            "why_not": one.why_not,
            "clock_ahead_ms": one.clock_ahead_ms,
            "round_trip_ms": one.round_trip_ms,
        }
        for one in gateway.venues
    }
    return {"order_gateway": {"health": gateway.health, "starts": gateway.starts, "venues": venues}}


def _profit(snapshot: Snapshot) -> dict[str, Any] | None:
    """Return what the fills came to in one currency; None where the desk does not tell."""
    if (found := snapshot.profit) is None:
        return None
    return {
        "numeraire": found.numeraire,
        "total": found.total,
        "missing": list(found.missing),
        "rate_age_ms": round(found.rate_age_ns / 1e6, 1),
        "parts": [
            {
                "currency": part.currency,
                "amount": part.amount,
                "value": part.value or None,
                "rate": part.rate or None,
                "rate_age_ms": round(part.rate_age_ns / 1e6, 1),
            }
            for part in found.parts
        ],
    }
