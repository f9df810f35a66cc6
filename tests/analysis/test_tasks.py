"""The one file of the four questions: complete, strict, and what the settings are without a user's own."""

from typing import Any

import pytest

from core.settings import AnalysisSettings
from core.tasks import BY_NAME, PRICES, TASKS, TaskName

FORBIDDEN = {"price", "size", "side", "venue", "order", "symbol", "buy", "sell", "amount", "notional"}


def objects(schema: Any) -> list[dict[str, Any]]:
    """Return every object in a schema."""
    if isinstance(schema, dict):
        found = [schema] if schema.get("type") == "object" else []
        return found + [one for part in schema.values() for one in objects(part)]
    return [one for part in schema for one in objects(part)] if isinstance(schema, list) else []


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_complete_and_is_what_the_settings_say(name: TaskName) -> None:
    task, settings = BY_NAME[name], AnalysisSettings()
    own = getattr(settings, name)
    assert task.name == name
    assert task.trigger
    assert (own.model, own.fallback) == (task.model, task.fallback)
    assert (own.ttl_s, own.cool_down_s) == (task.ttl_s, task.cool_down_s)
    assert {model for model in (task.model, task.fallback) if model} <= set(PRICES)
    assert {model: price.output for model, price in settings.prices.items()} == PRICES


@pytest.mark.parametrize("name", TASKS)
def test_every_schema_is_strict_and_has_no_word_for_a_trade(name: TaskName) -> None:
    found = objects(BY_NAME[name].schema)
    assert found
    for one in found:
        assert one["additionalProperties"] is False
        assert set(one["required"]) == set(one["properties"])
        assert not FORBIDDEN & set(one["properties"])
