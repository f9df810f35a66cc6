"""A demo of several quote currencies: found what crosses between them, caught what only seems to."""

import json
from pathlib import Path

from tests.system.desk import DeskProcess, arbdesk

VENUES = "binance,okx,coinbase,kraken,bitstamp,upbit"
# Where a person approves, routes pay for a second or more: also a machine that stood still for a moment sees them.
ARGUMENTS = f"demo --no-ui --for 9s --approval manual --seed 7 --symbols 6 --venues {VENUES}".split()


def test_crossings_between_currencies_are_found_a_depeg_is_caught_and_a_wrong_unit_is_a_ghost(tmp_path: Path) -> None:
    faults = ["--fault", "depeg:usdc@0.1", "--fault", "unit:kraken@0.5"]
    env = {"ARBDESK_SPREADS__DEPEG_BPS": "40", "ARBDESK_STATUS_EVERY_S": "1"}  # the fault goes to 150, slowly
    more = ["--currencies", "all", "--rate", "1500", "--crossings", "6", "--anomalies", "0"]
    with DeskProcess([*ARGUMENTS, *more, *faults], tmp_path, env) as desk:
        summary = desk.summary()
        assert desk.process.returncode == 0
        told = " ".join(line["message"] for line in desk.lines)
        states = [line["status"] for line in desk.lines if line.get("status", {}).get("rates")]
    truth = summary["truth"]
    assert truth["across"]["found"] > 0, truth
    assert (truth["across"]["false"], truth["false"]) == (0, 0), truth
    assert truth["depegs"] == {"injected": 1, "caught": 1}, truth
    assert "bps below its dollar" in told
    assert summary["opportunities"]["ghosts"]["identity"] > 0
    assert any(set(state["rates"]) == {"USDT", "USDC", "USD", "EUR", "KRW"} for state in states)
    assert any(one["venue"] == "upbit" for state in states for one in state["premiums"])
    assert summary["currencies"]["across"]["paid"] >= truth["across"]["found"]
    markout = summary["markout"]
    assert markout["found"] == summary["opportunities"]["found"]
    report = json.loads(arbdesk("markout", "--demo", "--json", home=tmp_path).stdout)
    assert report["total"]["found"] == markout["found"]
    assert [after["known"] for after in report["total"]["after"]] == [after["known"] for after in markout["after"]]


def test_what_cannot_be_simulated_is_told_in_one_line(tmp_path: Path) -> None:
    for arguments, words in (
        (("--currencies", "USDT,KRW"), "no venue here quotes in KRW. Take some of upbit, bithumb, or all."),
        (("--fault", "depeg:usdc@1"), "USDC cannot leave its dollar here: nothing is quoted in both"),
    ):
        done = arbdesk("demo", "--no-ui", "--for", "1s", *arguments, home=tmp_path)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert words in done.stderr
