"""What a desk does about its currencies: a depeg is told, switches routes off and puts tickets away."""

from decimal import Decimal

from core.currencies import Currencies
from core.execution.tickets import TicketBoard
from core.instruments import Instrument, Instruments
from core.latency import Latencies
from core.notices import Notices
from core.settings import Settings
from core.spreads.detector import Detector
from core.spreads.route import Ghost, Opportunity, Route
from core.tick import Tick
from tests.execution.parts import trade

S = 10**9
VENUES = ("binance", "okx", "kraken")
SYMBOLS = ("BTC/USDT", "BTC/USD", "USDT/USD")
SETTINGS = Settings(symbols=SYMBOLS)
ROUTE = Route("BTC/USDT", "binance", "okx")


class Desk:
    def __init__(self, symbols: tuple[str, ...] = SYMBOLS) -> None:
        lattice = (Decimal("0.01"), Decimal("0.0001"), Decimal("0.0001"), Decimal(5))
        instruments = Instruments(
            [Instrument(venue, symbol, *lattice) for venue in VENUES for symbol in symbols],
            dict.fromkeys(VENUES, Decimal("0.001")),
        )
        self.now_ns, self._number = 1_790_000_000 * S, 0
        self.detector = Detector(VENUES, symbols, SETTINGS.spreads, instruments)
        self.board, self.notices = TicketBoard(SETTINGS.limits, Latencies()), Notices()
        self.currencies = Currencies(
            Settings(symbols=symbols), self.detector, instruments, self.board, self.notices, lambda: self.now_ns
        )

    def quote(self, venue: str, symbol: str, bid: float, ask: float) -> None:
        self._number += 1
        self.now_ns += 10**6
        tick = Tick(venue, symbol, bid, ask, 1.0, 1.0, self.now_ns // 10**6, self._number, self.now_ns)
        self.detector.update(tick, self.now_ns)
        self.currencies.take((tick,), self.now_ns)


def test_a_depeg_makes_ghosts_of_what_depends_on_it_and_puts_its_tickets_away() -> None:
    desk = Desk()
    desk.quote("kraken", "USDT/USD", 0.9995, 0.9997)
    desk.quote("binance", "BTC/USDT", 63_990, 64_000)
    desk.quote("okx", "BTC/USDT", 64_400, 64_410)
    desk.quote("kraken", "BTC/USD", 64_000, 64_010)
    assert isinstance(desk.detector.finding(ROUTE, desk.now_ns), Opportunity)
    desk.board.offer(trade(), desk.now_ns)
    desk.quote("kraken", "USDT/USD", 0.9840, 0.9842)
    finding = desk.detector.finding(ROUTE, desk.now_ns)
    assert isinstance(finding, Ghost)
    assert finding.cause == "basis"
    assert [(ticket.state, ticket.why) for ticket in desk.board.tickets()] == [("expired", "USDT has left its dollar")]
    (told,) = desk.notices.newest()
    assert told.text.startswith("USDT is 159 bps below its dollar (kraken USDT/USD): 2 symbols")
    desk.quote("kraken", "USDT/USD", 0.9995, 0.9997)
    assert isinstance(desk.detector.finding(ROUTE, desk.now_ns), Opportunity)
    assert [notice.level for notice in desk.notices.newest()] == ["error", "info"]


def test_only_a_coin_that_was_away_is_told_to_be_back() -> None:
    desk = Desk((*SYMBOLS, "USDC/USDT", "BTC/USDC"))
    desk.quote("kraken", "USDT/USD", 0.9995, 0.9997)
    desk.quote("okx", "USDC/USDT", 1.0001, 1.0002)
    desk.quote("okx", "USDC/USDT", 0.9801, 0.9802)
    desk.quote("okx", "USDC/USDT", 1.0001, 1.0002)
    away, back = (notice.text.split(" (")[0] for notice in desk.notices.newest())
    assert away.startswith("USDC is 20")
    assert back == "USDC is back near its dollar"


def test_what_is_shown_knows_its_age_its_venue_and_why_nothing_is_traded() -> None:
    desk = Desk()
    desk.quote("kraken", "USDT/USD", 0.9995, 0.9997)
    desk.quote("binance", "BTC/USDT", 63_990, 64_000)
    desk.quote("kraken", "BTC/USD", 64_400, 64_410)
    then_ns = desk.now_ns + S
    desk.currencies.across.look(desk.now_ns)
    dollar, tether = desk.currencies.rates(then_ns)
    assert (tether.currency, tether.venues, tether.age_ns) == ("USDT", (), 0)
    assert (dollar.currency, dollar.venues, dollar.symbols, dollar.age_ns) == (
        "USD",
        ("kraken",),
        ("USDT/USD",),
        S + 2 * 10**6,
    )
    best = next(desk.currencies.cross(then_ns))
    assert (best.buy, best.buy_symbol, best.sell, best.sell_symbol) == ("binance", "BTC/USDT", "kraken", "BTC/USD")
    assert (best.pays, best.cause, best.rate_venues) == (True, "inventory", ("kraken",))
    assert (best.age_ns, best.rate_age_ns) == (S + 10**6, S + 2 * 10**6)
    assert desk.currencies.counts().paid == 1
