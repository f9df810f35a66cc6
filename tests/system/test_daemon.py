"""The whole path as a daemon: real sockets, a real journal, real signals."""

import json
import signal
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.system.desk import TRIES, DeskProcess, arbdesk, kept_up
from tests.waiting import eventually

SCHEMA: dict[str, Any] = {
    "elapsed_s": float,
    "mode": str,
    "ticks": {"received": int, "appended": int, "consumed": int, "conflated": int, "rejected": int, "by_venue": dict},
    "routes": int,
    "opportunities": {"found": int, "ghosts": dict},
    "tickets": {"offered": int, "approved": int, "expired": int, "refused": int},
    "orders": {"sent": int, "filled": int, "partly_filled": int, "rejected": int, "not_sent": int, "unknown": int},
    "pnl": dict,
    "analysis": {"calls": int, "failed": int, "cost_usd": str, "by_model": dict},
    "latency_ms": {"tick_to_order": {"count": int, "p50": float, "p99": float, "p999": float, "max": float}},
    "truth": {"crossings": int, "found": int, "missed": int, "late": int, "false": int},
}


def check_schema(value: Any, schema: Any, place: str = "summary") -> None:
    if isinstance(schema, dict):
        for key, part in schema.items():
            assert key in value, f"{place}.{key} is missing"
            check_schema(value[key], part, f"{place}.{key}")
    else:
        assert isinstance(value, schema), f"{place} is {value!r}"


def sums_of_fills(journal: Path) -> dict[str, Decimal]:
    """Add up the journal's fills with nothing of the desk's own arithmetic."""
    totals: dict[str, Decimal] = {}
    query = "SELECT symbol, side, fills.price, fills.size, fee, fee_currency FROM fills JOIN orders USING (client_id)"
    with sqlite3.connect(journal) as db:
        for symbol, side, price, size, fee, fee_currency in db.execute(query):
            base, quote = symbol.split("/")
            sign = 1 if side == "buy" else -1
            for currency, amount in (
                (base, sign * Decimal(size)),
                (quote, -sign * Decimal(price) * Decimal(size)),
                (fee_currency, -Decimal(fee)),
            ):
                totals[currency] = totals.get(currency, Decimal(0)) + amount
    db.close()
    return {currency: amount for currency, amount in totals.items() if amount}


def check_truth(summary: dict[str, Any]) -> None:
    ticks, truth = summary["ticks"], summary["truth"]
    assert ticks["received"] == ticks["appended"] + ticks["conflated"] > 1000
    assert ticks["consumed"] == ticks["appended"]
    assert truth["crossings"] > 0
    assert (truth["missed"], truth["false"]) == (0, 0), truth


def demo_that_kept_up(arguments: list[str], home: Path) -> tuple[dict[str, Any], str]:
    """Return the summary of a demo that ended by itself, and all that its log said."""
    for _ in range(TRIES):
        with DeskProcess(["demo", "--no-ui", "--approval", "auto", "--crossings", "4", *arguments], home) as desk:
            summary = desk.summary(90)
            assert desk.process.returncode == 0
            told = " ".join(line["message"] for line in desk.lines)
        if kept_up(summary):
            break
    return summary, told


def test_the_demo_finds_what_was_injected_and_its_profit_is_the_sum_of_its_fills(tmp_path: Path) -> None:
    summary, _ = demo_that_kept_up(["--for", "8s", "--seed", "7"], tmp_path)
    check_schema(summary, SCHEMA)
    check_truth(summary)
    assert summary["orders"]["sent"] > 0
    sums = sums_of_fills(tmp_path / "arbdesk" / "demo.sqlite")
    assert {currency: Decimal(amount) for currency, amount in summary["pnl"].items()} == sums
    listed = json.loads(arbdesk("orders", "--demo", "--json", "--limit", "10000", home=tmp_path).stdout)
    assert len(listed["orders"]) == summary["orders"]["sent"] + summary["orders"]["not_sent"]
    assert listed["pnl_by_mode"] == {"demo": summary["pnl"]}
    traded = {order["trade_id"] for order in listed["orders"] if order["state"] != "not_sent"}
    assert summary["latency_ms"]["tick_to_order"]["count"] == len(traded) > 0


def test_every_simulated_fault_is_survived_counted_and_never_traded_on(tmp_path: Path) -> None:
    summary, told = demo_that_kept_up(["--rate", "600", "--for", "32s", "--seed", "3", "--fault", "all"], tmp_path)
    check_truth(summary)
    for fault in ("hang_up", "silence", "garbage", "crossed", "one_sided", "refuse"):
        assert fault in told
    venues = summary["venues"].values()
    assert any(venue["connects"] > 1 for venue in venues)
    assert summary["ticks"]["rejected"] > 0
    assert {"crossed", "gap"} & set(summary["opportunities"]["ghosts"])


def test_sigterm_under_load_ends_it_cleanly_and_sigkill_is_told_on_the_next_start(tmp_path: Path) -> None:
    arguments = ["demo", "--no-ui", "--approval", "auto", "--rate", "5000", "--crossings", "20"]
    with DeskProcess(arguments, tmp_path, {"ARBDESK_PAPER__LATENCY_MS": "300"}) as desk:
        desk.wait_for("okx: connected")
        journal = tmp_path / "arbdesk" / "demo.sqlite"
        wait_for_orders(journal, "state = 'filled'")
        desk.signal(signal.SIGTERM)
        summary = desk.summary(5)
        assert desk.process.returncode == 0
    assert summary["orders"]["unknown"] == 0
    assert count(journal, "state IN ('intent', 'sent')") == 0
    with DeskProcess(arguments, tmp_path, {"ARBDESK_PAPER__LATENCY_MS": "5000"}) as desk:
        desk.wait_for("okx: connected")
        wait_for_orders(journal, "state = 'sent'")
        desk.signal(signal.SIGKILL)
        desk.process.wait(5)
    left = count(journal, "state IN ('intent', 'sent')")
    assert left > 0
    with DeskProcess([*arguments, "--for", "1s"], tmp_path) as desk:
        desk.wait_for("its fate is unknown", times=left)
        desk.summary()
    before = journal.with_name("demo.previous.sqlite")
    assert count(before, "state IN ('intent', 'sent')") == 0
    assert count(before, "state = 'unknown'") == left


def count(journal: Path, where: str) -> int:
    db = sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=10)
    try:
        (number,) = db.execute(f"SELECT count(*) FROM orders WHERE {where}").fetchone()
        return int(number)
    finally:
        db.close()


def wait_for_orders(journal: Path, where: str, timeout_s: float = 20.0) -> None:
    eventually(lambda: journal.exists() and count(journal, where), timeout_s)


def test_mistakes_get_one_line_with_the_place_and_the_fix(tmp_path: Path) -> None:
    file = tmp_path / "desk.toml"
    for text, words in (
        (
            "[limits]\nmax_order_notionel = 5\n",
            "limits.max_order_notionel: there is no such key. Did you mean max_order_no",
        ),
        ("[limits]\nmax_daily_loss = -1\n", "limits.max_daily_loss: input should be greater than 0 (it is -1)"),
        ("[venues.nowhere]\nenabled = true\n", "No venue is called 'nowhere'. Use one of: binance, bitfinex, bitget,"),
        ("symbols = [\n", "not TOML"),
    ):
        file.write_text(text)
        done = arbdesk("run", "--no-ui", "--for", "1s", "--config", str(file), home=tmp_path)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
    done = arbdesk("run", "--config", str(tmp_path / "none.toml"), "--no-ui", home=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "No such file" in done.stderr


def test_the_printed_configuration_is_accepted_and_holds_the_defaults(tmp_path: Path) -> None:
    from core.loading import load
    from core.settings import Settings

    file = tmp_path / "desk.toml"
    file.write_text(arbdesk("config", home=tmp_path).stdout)
    assert load(file, {}) == Settings()
