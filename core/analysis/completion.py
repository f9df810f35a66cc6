"""Reads what a gateway sent back with status 200: the SDK checks nothing, fields may be of any type.

Source: openai-python 3.54 (`types/chat`), read on 2026-11-23, and what was seen of servers' odd answers.
"""

from typing import Any

from openai.types.chat import ChatCompletion

from core.analysis.outcomes import Outcome, Reply
from core.analysis.prices import Usage


def judged(answer: object) -> Reply:
    """Return what a response is."""
    if not isinstance(answer, ChatCompletion):
        return Reply("not_json")
    outcome, text = _content(answer)
    return Reply(outcome, text, _usage(answer), gateway_micro_usd=_own_cost(answer))


def _content(answer: ChatCompletion) -> tuple[Outcome, str]:
    choices: Any = answer.choices
    if not isinstance(choices, list) and (answer.model_extra or {}).get("error"):
        return "error_body", ""
    if not isinstance(choices, list) or len(choices) != 1:
        return "no_choices", ""
    message: Any = getattr(choices[0], "message", None)
    text = getattr(message, "content", None)
    reason: Any = getattr(choices[0], "finish_reason", None)
    if reason == "length":
        return "cut_off", ""
    if reason == "content_filter" or getattr(message, "refusal", None):
        return "refused", ""
    return ("ok", text) if isinstance(text, str) and text else ("no_content", "")


def _usage(answer: ChatCompletion) -> Usage | None:
    """Return what was used if it is told in full, else None."""
    told: Any = answer.usage
    spent = (_count(getattr(told, "prompt_tokens", None)), _count(getattr(told, "completion_tokens", None)))
    if spent[0] is None or spent[1] is None:
        return None
    cached = _count(getattr(getattr(told, "prompt_tokens_details", None), "cached_tokens", None))
    if cached is None:
        cached = _count((getattr(told, "model_extra", None) or {}).get("prompt_cache_hit_tokens"))
    return Usage(spent[0], spent[1], min(cached or 0, spent[0]))


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else None


def _own_cost(answer: ChatCompletion) -> int | None:
    """Return what the gateway itself says the call costs, in micro-dollars, where it does."""
    extra = getattr(answer.usage, "model_extra", None) or {}
    told = extra.get("cost", extra.get("total_cost"))
    if isinstance(told, int | float) and not isinstance(told, bool) and 0 <= told < 1e6:
        return round(told * 1e6)
    return None
