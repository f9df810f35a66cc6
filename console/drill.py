"""`arbdesk drill`: trouble made on purpose, and a dated report of what was kept of what is promised."""

import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from console import loop
from core.drill.crash import drill_crash
from core.drill.legs import drill_legs


def drill_kills(kills: int, seed: int, *, as_json: bool) -> bool:
    """Kill the desk and its order gateway so often; print the report; return whether all that is promised was kept."""
    folder = Path(tempfile.mkdtemp(prefix="arbdesk-drill-"))

    def progress(text: str) -> None:
        click.echo(f"\r\x1b[K{text}" if sys.stderr.isatty() else text, err=True, nl=not sys.stderr.isatty())

    report = loop.run(drill_crash(folder, kills=kills, seed=seed, progress=progress))
    if sys.stderr.isatty():
        click.echo(err=True)
    if report["broken"]:
        report["files"] = str(folder)
    else:
        shutil.rmtree(folder)
    _print(f"{kills} kills of the desk and its order gateway in turn", report, as_json=as_json)
    return not report["broken"]


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
