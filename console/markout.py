"""`arbdesk markout`: what opportunities were worth a moment after they were found, from the journal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import orjson

from console.orders import usual_journal
from console.panes.text import NOTHING, bps
from core.marking import Trial, read_trials
from core.settings import Settings
from core.spreads.markout import HORIZONS_MS, Realised, summed

Row = tuple[str, ...]
COLUMNS: Row = ("route", "found", "taken", "predicted", *(f"after {at / 1e3:g} s" for at in HORIZONS_MS))


def show_markout(settings: Settings, journal: Path | None, *, demo: bool, limit: int, as_json: bool) -> None:
    """Print predicted against realisable edge of all opportunities, of those taken, and of each route.

    Raises:
        JournalError: there is no journal, or it cannot be read.
    """
    path = journal or usual_journal(settings, demo=demo)
    trials = read_trials(path)
    total, routes = summed(trial.mark for trial in trials)
    taken, _ = summed(trial.mark for trial in trials if trial.taken)
    if as_json:
        parts = {"journal": str(path), "total": total, "taken": taken, "routes": routes[:limit]}
        click.echo(orjson.dumps(parts, default=msgspec.to_builtins))
        return
    click.echo(f"{path}", err=True)
    if not trials:
        click.echo("no opportunity was looked at again yet")
        return
    _print([COLUMNS, *_rows(trials, total, taken, routes[:limit])])
    click.echo("bps after both taker fees: the mean that was left, of how many it is known, and the share that paid.")
    if unknown := _unknown(trials):
        told = ", ".join(f"{times} {why}" for why, times in sorted(unknown.items(), key=lambda one: -one[1]))
        click.echo(f"unknown looks: {told}")


def _rows(trials: list[Trial], total: Realised, taken: Realised, routes: list[Realised]) -> Iterator[Row]:
    times: dict[Any, int] = {}
    for trial in trials:
        times[trial.mark.route] = times.get(trial.mark.route, 0) + trial.taken
    yield ("all", f"{total.found}", f"{taken.found}", *cells(total))
    if 0 < taken.found < total.found:
        yield ("taken", f"{taken.found}", f"{taken.found}", *cells(taken))
    for one in routes:
        assert one.route is not None
        name = f"{one.route.symbol} {one.route.buy} -> {one.route.sell}"
        yield (name, f"{one.found}", f"{times[one.route]}", *cells(one))


def cells(one: Realised) -> Row:
    """Return what was predicted, and what was left at each horizon."""
    found = [NOTHING if one.predicted_bps is None else bps(one.predicted_bps)]
    for after in one.after:
        if after.edge_bps is None:
            found.append(NOTHING)
        else:
            found.append(f"{bps(after.edge_bps)} of {after.known}, {after.paying / after.known:.0%} pay")
    return tuple(found)


def _unknown(trials: list[Trial]) -> dict[str, int]:
    unknown: dict[str, int] = {}
    for trial in trials:
        for look in trial.mark.looks:
            if look.edge_bps is None:
                unknown[look.why] = unknown.get(look.why, 0) + 1
    return unknown


def _print(rows: list[Row]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        name, *numbers = (text.rjust(width) for text, width in zip(row, widths, strict=True))
        click.echo("  ".join([row[0].ljust(len(name)), *numbers]).rstrip())
