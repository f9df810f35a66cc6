"""`arbdesk drill`: trouble made on purpose, and a dated report of what was kept of what is promised."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from console import loop
from core.drill.legs import drill_legs


def drill_trades(trades: int, seed: int, *, as_json: bool) -> bool:
    """Run `trades` two-leg trades against venues that fail at random; print the report; return whether all held."""
    with tempfile.TemporaryDirectory(prefix="arbdesk-drill-") as folder:
        report = loop.run(drill_legs(Path(folder), trades=trades, seed=seed))
    _print(f"{trades} two-leg trades", report, as_json=as_json)
    return not report["broken"] and not report["without_fate"]


def _print(what: str, report: dict[str, Any], *, as_json: bool) -> None:
    report = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "drill": what, **report}
    if as_json:
        click.echo(orjson.dumps(report))
        return
    width = max(map(len, report))
    for name, value in report.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {count}" for key, count in value.items())
        if isinstance(value, list):
            value = "\n".join([str(len(value)), *(f"  {line}" for line in value[:50])])
        click.echo(f"{name.replace('_', ' ').ljust(width)}  {value}")
