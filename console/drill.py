"""`arbdesk drill`: trouble made on purpose, and a dated report of what was kept of what is promised."""

import logging
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import orjson

from console import loop
from core.drill.chain import Line, drill_chain
from core.drill.crash import drill_crash
from core.drill.legs import drill_legs


def drill_all(seed: int, *, as_json: bool) -> bool:
    """Walk the whole chain once; print a line for each promise as it is found; return whether all were kept."""
    live = find_spec("ccxt") is not None
    where = "simulated venues, through the order gateway and ccxt" if live else "paper venues (no ccxt is installed)"
    lines: list[Line] = []

    def tell(line: Line) -> None:
        lines.append(line)
        if not as_json:
            at = datetime.fromtimestamp(line.at_ns / 1e9, UTC).strftime("%H:%M:%S.%f")[:-3]
            click.echo(f"{at}  {'ok    ' if line.kept else 'BROKEN'}  {line.what}: {line.found}")

    began = datetime.now(UTC)
    if not as_json:
        click.echo(
            f"ArbDesk {version('arbdesk')}, drill of {began:%Y-%m-%d %H:%M:%S} UTC, seed {seed}; orders go to {where}"
        )
    with tempfile.TemporaryDirectory(prefix="arbdesk-drill-") as folder:
        logging.getLogger("arbdesk").setLevel(logging.CRITICAL)  # what is told here is told in lines of its own
        all_kept = loop.run(drill_chain(Path(folder), tell, seed=seed, live=live))
    broken = sum(not line.kept for line in lines)
    if as_json:
        report = {"at": began.isoformat(timespec="seconds"), "drill": "the whole chain", "orders_to": where}
        click.echo(orjson.dumps({**report, "lines": [line._asdict() for line in lines], "broken": broken}))
    else:
        click.echo(f"{len(lines)} promises, {broken} broken, {(datetime.now(UTC) - began).total_seconds():.1f} s")
    return all_kept


def drill_kills(kills: int, stops: int, seed: int, *, as_json: bool) -> bool:
    """Kill the desk and its order gateway so often, stop processes so often for a second; print the report.

    Returns whether all that is promised was kept.
    """
    folder = Path(tempfile.mkdtemp(prefix="arbdesk-drill-"))

    def progress(text: str) -> None:
        click.echo(f"\r\x1b[K{text}" if sys.stderr.isatty() else text, err=True, nl=not sys.stderr.isatty())

    report = loop.run(drill_crash(folder, kills=kills, stops=stops, seed=seed, progress=progress))
    if sys.stderr.isatty():
        click.echo(err=True)
    if report["broken"]:
        report["files"] = str(folder)
    else:
        shutil.rmtree(folder)
    _print(f"{kills} kills of the desk and its order gateway in turn, {stops} stops", report, as_json=as_json)
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
