"""What a venue says of its symbols is what the desk trades there: nothing that it has closed, and at its own fees."""

import asyncio
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from core.collecting import keep_listings_fresh
from core.execution.orders import Refusal
from core.execution.planning import Ids, plan
from core.feeds.catalogue import dialect
from core.feeds.listings import Held
from core.feeds.venue import Call
from core.instruments import Instruments, Listing
from core.listed import fees, known_listings, lattices, shelf
from core.settings import Settings, SpreadSettings, VenueSettings
from core.spreads.detector import Detector
from core.spreads.route import Ghost, Opportunity, Route
from core.tick import Tick
from tests.feeds.samples import dumped
from tests.feeds.test_listings import answering
from tests.feeds.test_reference import ANSWERS

D = Decimal
ETH, ROUTE = "ETH/USDT", Route("ETH/USDT", "okx", "binance")
AT_NS = 10**18


def desk(settings: Settings, held: Mapping[str, Held] | None = None) -> tuple[Detector, Instruments]:
    """Return the detector of a desk that has started, with one quote of each venue at which the route pays 80 bps."""
    charged = fees(settings)
    instruments = Instruments(lattices(held or {}), charged)
    detector = Detector(list(charged), settings.symbols, settings.spreads, instruments)
    for venue, bid, ask in (("okx", 1999.0, 2000.0), ("binance", 2020.0, 2021.0)):
        detector.update(Tick(venue, ETH, bid, ask, 5, 5, AT_NS // 10**6, 1, AT_NS), AT_NS)
    return detector, instruments


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    venues = {"binance": VenueSettings(), "okx": VenueSettings()}
    spreads = SpreadSettings(skew_moves=0)
    return Settings(symbols=("BTC/USDT", ETH), venues=venues, data_dir=tmp_path, spreads=spreads)


async def test_what_a_venue_closes_is_a_ghost_and_stays_one_after_a_restart(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_ns = time.time_ns() - 2 * 3_600_000_000_000
    okx = Listing(ETH, "ETH-USDT", True, D("0.01"), D("0.000001"), D("0.001"))
    shelf(settings).keep(Held("okx", asked_ns, (okx,)))  # new enough
    shelf(settings).keep(Held("binance", asked_ns, (Listing(ETH, "ETHUSDT", False),)))  # a pause may be over
    detector, instruments = desk(settings)
    found = detector.finding(ROUTE, AT_NS)
    assert isinstance(found, Opportunity)

    told: asyncio.Queue[str] = asyncio.Queue()
    async with answering(dumped(ANSWERS["binance"][0])) as (url, asked):
        for venue in settings.venues:
            monkeypatch.setattr(dialect(venue), "catalogue", Call(url))
        keeping = keep_listings_fresh(settings, instruments, lambda _level, text: told.put_nowait(text))
        running = asyncio.create_task(keeping)
        assert await told.get() == "binance says that it does not trade ETH/USDT at this moment"
        running.cancel()
        await asyncio.wait([running])
    assert len(asked) == 1
    assert detector.finding(ROUTE, AT_NS) == Ghost(ROUTE, "lot", found.edge_bps)
    refused = plan(found, instruments, settings.limits, ids=Ids("abc", 0), now_ns=AT_NS)
    assert refused == Refusal("lot", "no lattice is known for ETH/USDT on binance")
    assert instruments.find("binance", "BTC/USDT") is not None

    again, _ = desk(settings, known_listings(settings, settings.venues))
    assert again.finding(ROUTE, AT_NS) == Ghost(ROUTE, "lot", found.edge_bps)


def test_what_a_venue_lists_no_more_has_no_lattice_and_what_it_opens_again_has_one() -> None:
    both = [Listing(symbol, symbol, True, D("0.1"), D("0.001")) for symbol in ("BTC/USDT", ETH)]
    instruments = Instruments([], {})
    for listings, traded in ((both, 2), (both[:1], 1), (both, 2)):
        instruments.hear("gate", listings)
        assert len(instruments.among(["gate"], ["BTC/USDT", ETH])) == traded
        assert len(instruments.all()) == traded


def test_a_pause_of_a_symbol_that_is_traded_here_is_told_apart_from_others() -> None:
    held = Held("binance", 0, tuple(ANSWERS["binance"][1]))
    assert (held.paused(["BTC/USDT"]), held.paused(["BTC/USDT", ETH])) == ([], [ETH])
