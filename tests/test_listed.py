"""What a venue says of its symbols is what the desk trades there: nothing that it has closed, and at its own fees."""

import asyncio
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from console.doctor import examine
from console.listings import show_instruments
from core.collecting import keep_listings_fresh
from core.execution.orders import Refusal, Trade
from core.execution.paper import PaperBroker
from core.execution.planning import Ids, plan
from core.feeds.catalogue import dialect
from core.feeds.listings import Held
from core.feeds.venue import Call
from core.instruments import Instrument, Instruments, Listing
from core.listed import fees, fixed, known_listings, lattices, shelf
from core.settings import Settings, SpreadSettings, VenueSettings
from core.spreads.detector import Detector
from core.spreads.route import Ghost, Opportunity, Route
from core.tape.tape import Tape
from core.tape.writer import TapeWriter
from core.taping import about
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
    instruments = Instruments(lattices(held or {}), charged, fixed(settings))
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


def gate(fee_bps: str | None = None) -> tuple[VenueSettings, Held]:
    """Return Gate's settings and its answer of a symbol that costs more than it asks of a newcomer."""
    row = {**ANSWERS["gate"][0][0], "id": "ETH_USDT", "base": "ETH", "quote": "USDT", "fee": "0.5"}
    (listing,) = dialect("gate").listings([row])
    return VenueSettings(taker_fee_bps=D(fee_bps) if fee_bps else None), Held("gate", 1, (listing,))


@pytest.mark.parametrize(("set_bps", "counts"), [(None, D("0.005")), ("12", D("0.0012"))])
async def test_what_a_venue_asks_for_a_symbol_is_reckoned_with_wherever_fees_are_unless_one_is_set(
    settings: Settings, tmp_path: Path, set_bps: str | None, counts: Decimal
) -> None:
    how, held = gate(set_bps)
    settings = settings.model_copy(update={"venues": {"binance": VenueSettings(taker_fee_bps=D(10)), "gate": how}})
    known = {"gate": held}
    instruments = Instruments(lattices(known), fees(settings), fixed(settings))
    assert instruments.taker_fee("gate", ETH) == counts
    assert instruments.taker_fee("gate", "BTC/USDT") == fees(settings)["gate"]

    detector = Detector(["binance", "gate"], settings.symbols, settings.spreads, instruments)
    for venue, bid, ask in (("gate", 1999.0, 2000.0), ("binance", 2020.0, 2021.0)):
        detector.update(Tick(venue, ETH, bid, ask, 5, 5, AT_NS // 10**6, 1, AT_NS), AT_NS)
    route, paid, earned = Route(ETH, "gate", "binance"), 2000 * (1 + counts), 2020 * D("0.999")
    found = detector.finding(route, AT_NS)
    assert isinstance(found, Opportunity)
    assert found.edge_bps == pytest.approx(float((earned - paid) / 2000 * 10_000))
    shown = {one.route: one.edge_bps for one in detector.edges(AT_NS)}
    assert shown[route] == pytest.approx(found.edge_bps)

    trade = plan(found, instruments, settings.limits, ids=Ids("abc", 0), now_ns=AT_NS)
    assert isinstance(trade, Trade)
    assert trade.profit == trade.buy.size * (earned - paid)
    broker = PaperBroker("gate", detector.book.quote, instruments, 0.0, lambda: AT_NS, None)
    (fill,) = (await broker.place(trade.buy)).fills
    assert fill.fee == fill.price * fill.size * counts

    writer = TapeWriter(tmp_path / "tape", about(settings, lattices(known), "PAPER", AT_NS))
    with writer:
        writer.write([tick for tick in detector.book.markets[ETH].ticks if tick is not None])
    with Tape(tmp_path / "tape") as tape:
        played = Instruments(tape.about.instruments, tape.about.taker_fees)
        assert played.taker_fee("gate", ETH) == counts


def test_a_fee_that_a_venue_changes_counts_from_its_answer_on(settings: Settings) -> None:
    how, held = gate()
    settings = settings.model_copy(update={"venues": {"binance": VenueSettings(), "gate": how}})
    instruments = Instruments(lattices({"gate": held}), fees(settings))
    detector = Detector(["binance", "gate"], settings.symbols, settings.spreads, instruments)
    for venue, bid, ask in (("gate", 1999.0, 2000.0), ("binance", 2010.0, 2011.0)):
        detector.update(Tick(venue, ETH, bid, ask, 5, 5, AT_NS // 10**6, 1, AT_NS), AT_NS)
    route = Route(ETH, "gate", "binance")
    assert getattr(detector.finding(route, AT_NS), "cause", "") == "fee"
    instruments.hear("gate", [replace(held.listings[0], taker_fee=D("0.001"))])
    assert isinstance(detector.finding(route, AT_NS), Opportunity)


def test_the_word_of_a_venue_that_tells_no_fee_leaves_the_one_that_is_known() -> None:
    instruments = Instruments([], {"gate": D("0.002")})
    assert instruments.learn(Instrument("gate", ETH, D("0.1"), D("0.1"), D("0.1"), D(5), D("0.001")))
    assert not instruments.learn(Instrument("gate", ETH, D("0.1"), D("0.1"), D("0.1"), D(5)))
    assert instruments.learn(Instrument("gate", ETH, D("0.1"), D("0.2"), D("0.2"), D(5)))
    assert instruments.taker_fee("gate", ETH) == D("0.001")


async def test_the_list_of_venues_and_the_doctor_tell_a_venues_own_fees_beside_those_that_are_set(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    for set_bps, listed, doubted in ((None, "asked", False), ("12", "and the settings count", True)):
        how, held = gate(set_bps)
        asked = settings.model_copy(update={"venues": {"binance": VenueSettings(), "gate": how}})
        shelf(asked).keep(held)
        await show_instruments(asked, ("gate",), ask=False, as_json=False)
        line = capsys.readouterr().out.splitlines()[1]
        assert ", 50 bps by its own word" in line
        assert listed in line
        await examine(asked)
        doubt = "ok    fees       gate asks a newcomer up to 50 bps (ETH/USDT), and venues.gate.taker_fee_bps says 12"
        assert (doubt in capsys.readouterr().out.splitlines()) is doubted


async def test_the_doctor_says_that_a_peg_is_not_watched_and_what_would(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    across = settings.model_copy(update={"symbols": ("BTC/USDT", "BTC/EUR")})
    assert not await examine(across)
    told = (
        "WRONG pegs       USDT's peg is not watched, and routes across currencies depend on it: add USDT/USD to symbols"
    )
    assert told in capsys.readouterr().out
    await examine(settings)
    assert " pegs " not in capsys.readouterr().out
