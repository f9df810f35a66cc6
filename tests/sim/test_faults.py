"""What "KIND[:VENUE][@SECONDS]" means."""

import itertools

import pytest

from core.errors import ConfigurationError
from core.sim.faults import FAULTS, KINDS, LASTING, Planned, parse
from core.sim.listings import VENUES

IN_TURN = tuple(fault.kind for fault in FAULTS)


def test_a_fault_is_spelled_with_its_venue_and_its_second() -> None:
    assert parse(["skip:okx@3.5", "refuse:bybit"]) == [Planned(2.0, "refuse", "bybit"), Planned(3.5, "skip", "okx")]
    assert parse(["silence@1"]) == [Planned(1.0, "silence", venue) for venue in sorted(VENUES)]


def test_all_is_each_kind_against_each_venue_one_every_few_seconds() -> None:
    planned = parse(["all"])
    assert planned[0].at_s == 2.0
    assert sorted((one.kind, one.venue) for one in planned) == sorted(itertools.product(IN_TURN, VENUES))
    assert {one.kind for one in planned[: len(FAULTS)]} == set(IN_TURN)
    assert all(3 <= later.at_s - one.at_s <= 6 for one, later in itertools.pairwise(planned))
    assert {one.venue for one in parse(["all:okx"])} == {"okx"}


@pytest.mark.parametrize("text", ["", "sulk", "skip:kraken", "skip@", "skip@-1", "skip:okx@1s", "SKIP"])
def test_what_is_no_fault_is_refused_with_the_way_to_say_it(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Take one of|Write KIND"):
        parse([text])


def test_only_a_venue_that_stamps_its_quotes_can_be_told_to_lag() -> None:
    assert {one.venue for one in parse(["lag@1"])} == set(VENUES) - {"binance"}
    with pytest.raises(ConfigurationError, match="binance stamps no quote"):
        parse(["lag:binance"])


def test_every_kind_is_described() -> None:
    assert tuple(fault.kind for fault in (*FAULTS, *LASTING)) == KINDS
    assert all(fault.description for fault in (*FAULTS, *LASTING))
