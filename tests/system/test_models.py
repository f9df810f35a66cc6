"""A desk and the models of a server that is not ours: every task answered, every token paid for, nothing else moved."""

import contextlib
import signal
import sqlite3
from decimal import ROUND_CEILING, Decimal
from pathlib import Path

from tests.analysis.other_server import KEY, Used, other_server
from tests.system.desk import DeskProcess
from tests.waiting import eventually

PRICES = {  # dollars a million tokens: fresh, of the cache, said
    "deepseek-v3.2": ("0.28", "0.028", "0.42"),
    "gemini-2.5-flash": ("0.30", "0.03", "2.50"),
    "claude-sonnet-4.5": ("3.00", "0.30", "15.00"),
    "gpt-4.1": ("2.00", "0.50", "8.00"),
}


def settings(folder: Path) -> Path:
    file = folder / "settings.toml"
    prices = "".join(
        f'[analysis.prices."{model}"]\ninput = {fresh}\ncached_input = {cached}\noutput = {said}\n'
        for model, (fresh, cached, said) in PRICES.items()
    )
    file.write_text(f"[analysis]\nstrategy_every_s = 1\n{prices}")
    return file


def cost_usd(used: Used) -> Decimal:
    """Return what one answer costs, rounded up to a micro-dollar: the price list and the server's counts, by hand."""
    fresh, cached, said = (Decimal(price) for price in PRICES[used.model])
    micro = fresh * used.fresh + cached * used.cached + said * used.said
    return micro.to_integral_value(ROUND_CEILING) / 1_000_000


def wait_until_settled(ledger: Path, timeout_s: float = 30.0) -> None:
    """Wait until nothing is held in the ledger."""
    held = "SELECT count(*) FROM calls WHERE charged IS NULL"
    with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        eventually(lambda: db.execute(held).fetchone() == (0,), timeout_s)


def test_another_servers_models_answer_all_four_tasks_and_cost_what_it_counted(tmp_path: Path) -> None:
    with other_server(verdict="ok", percent=60) as server:
        arguments = ["demo", "--no-ui", "--config", str(settings(tmp_path)), "--gateway-url", server.url]
        with DeskProcess(
            [*arguments, "--seed", "7", "--crossings", "3", "--fault", "crossed:okx@2"],
            tmp_path,
            {"HOLYSHEEP_API_KEY": KEY},
        ) as desk:
            assert server.wait_for_kinds(4), server.kinds
            server.close_up()
            desk.wait_for("we count")  # otherwise than the server, which says a cost of its own
            wait_until_settled(tmp_path / "arbdesk" / "analysis.sqlite")
            desk.signal(signal.SIGTERM)
            summary = desk.summary()
        assert desk.process.returncode == 0
    assert server.kinds == {"verdictquote", "verdictrisk", "kindquote", "allocationsstrategy"}
    analysis = summary["analysis"]
    assert analysis["outcomes"]["ok"] == len(server.used)
    assert Decimal(analysis["cost_usd"]) == sum(map(cost_usd, server.used))
    for model, told in analysis["by_model"].items():
        mine = [used for used in server.used if used.model == model]
        assert told["estimate"] is False
        assert Decimal(told["cost_usd"]) == sum(map(cost_usd, mine))
        assert told["tokens"] == {
            "input": sum(used.fresh + used.cached for used in mine),
            "cached": sum(used.cached for used in mine),
            "output": sum(used.said for used in mine),
        }
