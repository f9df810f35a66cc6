"""What simulated models answer: judged from the numbers they are sent, by rules of a page; no model at all.

Each name errs in its own way, the same for the same question, so that a page that compares them has something to show.
Every note says that it is simulated.
"""

import math
from collections.abc import Mapping
from typing import Any

from core.draws import seeded

MARK = "SIMULATED:"
ERRS = {"deepseek-v3.2": 0.05, "gemini-2.5-flash": 0.04, "claude-sonnet-4.5": 0.01, "gpt-4.1": 0.02}
USUAL_ERR = 0.05
Facts = Mapping[str, Any]


def judge(model: str, facts: Facts, *, classify: bool) -> dict[str, Any]:
    """Return the answer of `model` to `facts`; `classify`: a kind is asked for, and no verdict."""
    match facts.get("type"):
        case "strategy":
            return _share(facts)
        case "risk":
            return _risk(facts)
    errs = seeded(f"{model} {sorted(facts.items())!r}").random() < ERRS.get(model, USUAL_ERR)
    reason, score = _reason(facts)
    if classify:
        return _classified(reason, score, errs)
    return _verdict(reason, 1 - score if errs else score)


def _reason(facts: Facts) -> tuple[str, float]:
    """Return what is odd about the venue in question, and how sure that is."""
    here: Facts = next((one for one in facts["venues"] if one["venue"] == facts["venue"]), {})
    others = [one for one in facts["venues"] if one is not here]
    dev, z = here.get("dev_bps") or 0.0, here.get("z") or 0.0
    if abs(dev) > 1_500 or "scale" in here.get("flags", ()):
        return "scale_error", 0.98
    if (here.get("age_ratio") or 0.0) > 9 or "stale" in here.get("flags", ()):
        return "stale_quote", _sure((here.get("age_ratio") or 0.0) / 12)
    opposite = [one for one in others if (one.get("dev_bps") or 0.0) * dev < 0 and _alike(one.get("dev_bps"), dev)]
    if abs(z) > 4 and opposite:
        return "in_line", 0.15
    if (here.get("spread_z") or 0.0) > 5:
        return "wide_spread", _sure(here["spread_z"] / 6)
    if abs(z) > 4:
        return "price_off" if abs(z) > 12 else "drifting", _sure(abs(z) / 6)
    return "in_line", 0.1


def _alike(one: float | None, other: float) -> bool:
    return one is not None and 0.4 < abs(one) / max(abs(other), 1e-9) < 2.5


def _sure(ratio: float) -> float:
    return round(1 - math.exp(-1.6 * max(0.0, ratio)), 3)


def _verdict(reason: str, score: float) -> dict[str, Any]:
    verdict = "halt" if score > 0.85 else "suspect" if score > 0.5 else "ok"
    code = reason if verdict != "ok" else "in_line"
    words = {
        "in_line": "the quote agrees with the market, or two venues part from it in opposite directions",
        "price_off": "this venue alone is away from the others",
        "drifting": "this venue alone is leaving the others",
        "stale_quote": "no new quote for much longer than this venue usually takes",
        "wide_spread": "its bid and ask are much further apart than usual",
        "scale_error": "the price is of another unit",
    }
    return {"verdict": verdict, "score": round(score, 3), "reason_code": code, "note": f"{MARK} {words[code]}"}


def _classified(reason: str, score: float, errs: bool) -> dict[str, Any]:
    kinds = {
        "price_off": "fat_finger",
        "drifting": "wallet_closed",
        "stale_quote": "stale_feed",
        "wide_spread": "thin_book",
        "scale_error": "unit_mixup",
        "in_line": "real_dislocation",
    }
    kind = "unclear" if errs else kinds[reason]
    sure = 0.3 if errs else round(max(score, 0.6), 3)
    return {"kind": kind, "confidence": sure, "note": f"{MARK} it looks like {kind.replace('_', ' ')}"}


def _risk(facts: Facts) -> dict[str, Any]:
    if (facts.get("age_ms") or 0.0) > 700:
        reason, verdict, score = "stale_quote", "suspect", 0.7
    elif (facts.get("worst_edge_bps") or 0.0) < -4:
        reason, verdict, score = "moving_fast", "suspect", 0.6
    elif (facts.get("depth_ratio") or 0.0) < 1.2:
        reason, verdict, score = "thin", "suspect", 0.55
    elif (facts.get("edge_bps") or 0.0) > 500:
        reason, verdict, score = "scale_error", "halt", 0.97
    else:
        reason, verdict, score = "in_line", "ok", 0.1
    words = {
        "stale_quote": "one of the two quotes is old: it may be gone when the order arrives",
        "moving_fast": "at the worst prices both legs together lose",
        "thin": "hardly more is on offer than what would be traded",
        "scale_error": "so much is no arbitrage but another unit",
        "in_line": "both quotes are fresh and deep enough",
    }
    return {"verdict": verdict, "score": score, "reason_code": reason, "note": f"{MARK} {words[reason]}"}


def _share(facts: Facts) -> dict[str, Any]:
    worths = []
    for one in facts["routes"]:
        tried = one["filled"] + one["missed"]
        sure = (one["filled"] + 1) / (tried + 2)
        net = one["net_bps"] if one["filled"] else one["mean_edge_bps"] - (facts.get("slippage_bps") or 0.0) / 2
        worths.append((one["route"], max(0.0, net or 0.0) * sure * math.sqrt(1 + one["opportunities"]), net or 0.0))
    total = sum(worth for _, worth, _ in worths) or 1.0
    shares = [
        {"route": route, "percent": math.floor(1000 * worth / total) / 10, "expected_net_bps": round(net, 2)}
        for route, worth, net in worths
    ]
    return {"allocations": shares, "note": f"{MARK} more to what filled in full and paid after fees"}
