"""`arbdesk orders`: what the journal holds."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import click
import orjson

from console.panes.text import age
from core.desk import pnl_text
from core.execution.accounts import flows
from core.execution.journal import read_fills, read_orders, read_totals
from core.execution.orders import EXACT
from core.execution.profit import Charges, last_prices, profit
from core.execution.rows import OrderRecord
from core.places import data_dir, journal_path
from core.settings import Settings

MODES = ("demo", "paper", "live")
COLUMNS = (
    "time (UTC)",
    "mode",
    "side",
    "symbol",
    "venue",
    "size",
    "limit",
    "state",
    "filled",
    "average",
    "fees",
    "why",
)


def list_orders(settings: Settings, journal: Path | None, *, demo: bool, limit: int, as_json: bool) -> None:
    """Print the last `limit` orders and what all fills of the journal brought, each mode apart.

    Raises:
        JournalError: there is no journal, or it cannot be read.
    """
    path = journal or usual_journal(settings, demo=demo)
    orders = read_orders(path, limit=limit)
    by_mode = {mode: pnl_text(read_totals(path, mode=mode)) for mode in MODES}
    by_mode = {mode: totals for mode, totals in by_mode.items() if totals}
    money = {mode: _money(path, mode, settings.numeraire) for mode in by_mode}
    if as_json:
        listed = [_as_json(one) for one in orders]
        click.echo(
            orjson.dumps({"journal": str(path), "orders": listed, "pnl_by_mode": by_mode, "money_by_mode": money})
        )
        return
    click.echo(f"{path}", err=True)
    if not orders:
        click.echo("no orders yet")
        return
    rows = [COLUMNS, *(_as_row(one) for one in orders)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    for mode, totals in by_mode.items():
        click.echo(f"all {mode} fills: " + ", ".join(f"{amount} {currency}" for currency, amount in totals.items()))
        for line in _told(money[mode]):
            click.echo(f"    {line}")


def _money(path: Path, mode: str, numeraire: str) -> dict[str, Any]:
    """Return what a mode's fills are worth in one currency at the last fills' prices, and what venues charged."""
    fills, now_ns = read_fills(path, mode), time.time_ns()
    totals: dict[str, Decimal] = {}
    charges = Charges()
    with localcontext(EXACT):
        for order, fill in fills:
            charges.add(order, fill)
            for currency, amount in flows(order, fill).items():
                totals[currency] = totals.get(currency, Decimal(0)) + amount
    found = profit(totals, last_prices(fills, numeraire), numeraire)
    return {
        "numeraire": numeraire,
        "total": _plain(found.total),
        "missing": list(found.missing),
        "rates": "last fills",
        "rate_age_s": round((now_ns - found.oldest_ns) / 1e9, 1) if found.oldest_ns else 0,
        "charged": [
            {
                "venue": one.venue,
                "currency": one.currency,
                "notional": _plain(one.notional),
                "charged": _plain(one.charged),
                "elsewhere": {currency: _plain(amount) for currency, amount in one.elsewhere.items()},
            }
            for one in charges.all()
        ],
    }


def _told(money: dict[str, Any]) -> Iterator[str]:
    old = age(int(money["rate_age_s"] * 1e9))
    rates = f", at the last fills' prices, the oldest {old} old" if money["rate_age_s"] else ""
    without = f"; without {', '.join(money['missing'])}: no rate is known" if money["missing"] else ""
    yield f"worth {money['total']} {money['numeraire']}{rates}{without}"
    for one in money["charged"]:
        bps = Decimal(one["charged"]) / Decimal(one["notional"]) * 10_000 if Decimal(one["notional"]) else Decimal(0)
        more = "".join(f" and {amount} {currency}" for currency, amount in one["elsewhere"].items())
        yield f"{one['venue']} charged {one['charged']} {one['currency']} on {one['notional']}: {bps:.2f} bps{more}"


def usual_journal(settings: Settings, *, demo: bool) -> Path:
    """Return the desk's journal; the last demo's where no desk has ever run, and that is said."""
    path = journal_path(settings, demo=demo)
    demos = sorted(data_dir(settings).glob("demo*.sqlite"), key=lambda file: file.stat().st_mtime_ns)
    if demo and demos:
        return demos[-1]
    if not path.exists() and demos and settings.journal is None:
        click.echo("No desk has run here yet: these are the orders of the last demo.", err=True)
        return demos[-1]
    return path


def _as_row(one: OrderRecord) -> tuple[str, ...]:
    order, average = one.order, one.average
    return (
        datetime.fromtimestamp(one.at_ns / 1e9, UTC).strftime("%m-%d %H:%M:%S.%f")[:-3],
        one.mode,
        order.side,
        order.symbol,
        order.venue,
        _plain(order.size),
        _plain(order.price),
        one.state.replace("_", " "),
        _plain(one.filled),
        f"{average:.10g}" if average is not None else "-",
        " ".join(f"{fee:.8g} {currency}" for currency, fee in one.fees.items()) or "-",
        one.why,
    )


def _as_json(one: OrderRecord) -> dict[str, Any]:
    order = one.order
    return {
        "client_id": order.client_id,
        "trade_id": order.trade_id,
        "run_id": one.run_id,
        "mode": one.mode,
        "at_ns": one.at_ns,
        "venue": order.venue,
        "symbol": order.symbol,
        "side": order.side,
        "size": _plain(order.size),
        "price": _plain(order.price),
        "state": one.state,
        "why": one.why,
        "fills": [
            {
                "price": _plain(fill.price),
                "size": _plain(fill.size),
                "fee": _plain(fill.fee),
                "fee_currency": fill.fee_currency,
                "at_ns": fill.at_ns,
            }
            for fill in one.fills
        ],
    }


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
