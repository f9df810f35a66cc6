"""All venues at once, and what a user says about them wrongly."""

from pathlib import Path

from core.feeds.catalogue import own
from tests.system.desk import DeskProcess, arbdesk


def test_seventeen_simulated_venues_are_traded_on_at_once(tmp_path: Path) -> None:
    arguments = ["demo", "--no-ui", "--for", "3s", "--approval", "auto", "--seed", "7", "--venues", "all"]
    with DeskProcess([*arguments, "--symbols", "30", "--rate", "1500", "--crossings", "3"], tmp_path) as desk:
        summary = desk.summary()
        assert desk.process.returncode == 0
    assert set(summary["ticks"]["by_venue"]) == set(own())
    assert all(summary["ticks"]["by_venue"].values())
    assert summary["ticks"]["rejected"] == 0
    assert summary["truth"]["false"] == 0
    assert summary["routes"] > 0


def test_venues_that_cannot_be_simulated_are_told_in_one_line(tmp_path: Path) -> None:
    for venues, words in (("okx,mtgox", "No simulated venue is called 'mtgox'"), ("okx", "a route needs two venues")):
        done = arbdesk("demo", "--no-ui", "--for", "1s", "--venues", venues, home=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_what_is_known_of_venues_and_put_aside_is_listed_without_a_network(tmp_path: Path) -> None:
    done = arbdesk("instruments", "--cached", "kraken", "okx", home=tmp_path)
    assert done.returncode == 0
    assert "12 lattices came with the desk" in done.stdout
    assert arbdesk("identity", home=tmp_path).stdout == "Nothing is put aside.\n"
    done = arbdesk("identity", "--confirm", "okx", "BTC/USDT", home=tmp_path)
    assert (done.returncode, "is not put aside" in done.stderr) == (2, True)
