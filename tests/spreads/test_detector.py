"""The detector against an oracle that scans everything, and its rules one by one."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from core.instruments import Instrument, Instruments
from core.settings import SpreadSettings
from core.spreads.detector import Detector
from core.spreads.route import Ghost, Opportunity, Route
from core.tick import Cause, Entry, Tick, Withdrawal

VENUES = ("binance", "bybit", "okx", "kraken")
SYMBOLS = ("BTC/USDT", "ETH/USDT")
FEES = {"binance": Decimal("0.001"), "bybit": Decimal("0.001"), "okx": Decimal("0.0008"), "kraken": Decimal("0.004")}
MAX_AGE_NS = 1_000_000_000
SETTINGS = SpreadSettings(min_edge_bps=2.0, max_quote_age_ms=1_000, min_notional=Decimal(10), skew_moves=0)
LOT, LEAST_NOTIONAL = Decimal("0.01"), Decimal(5)
INSTRUMENTS = Instruments(
    [
        Instrument(venue, symbol, Decimal("0.01"), LOT, LOT, LEAST_NOTIONAL)
        for venue in VENUES
        for symbol in SYMBOLS
        if (venue, symbol) != ("kraken", "ETH/USDT")  # one lattice that nobody knows
    ],
    FEES,
)


def tick(
    venue: str,
    bid: float,
    ask: float,
    *,
    sequence_id: int = 1,
    at_ns: int = 10**9,
    symbol: str = "BTC/USDT",
    size: float = 5.0,
) -> Tick:
    return Tick(venue, symbol, bid, ask, size, size, at_ns // 10**6, sequence_id, at_ns)


ticks = st.builds(
    lambda venue, symbol, bid, spread, volumes, sequence_id, at: Tick(
        venue, symbol, bid / 8, (bid + spread) / 8, volumes[0], volumes[1], at * 100, sequence_id, at * 10**8
    ),
    venue=st.sampled_from((*VENUES, "elsewhere")),
    symbol=st.sampled_from(SYMBOLS),
    bid=st.integers(780, 820),
    spread=st.integers(-1, 6),
    volumes=st.tuples(*[st.sampled_from((0.004, 0.03, 0.08, 0.5, 7.25))] * 2),
    sequence_id=st.integers(1, 12),
    at=st.integers(10, 50),
)
withdrawals = st.builds(
    lambda tick, cause: Withdrawal(tick, cause, tick.received_ns), ticks, st.sampled_from(("gap", "depth", "stale"))
)
histories = st.lists(st.tuples(ticks | ticks | ticks | withdrawals, st.integers(0, 20)), max_size=40)


class Oracle:
    """Says the same as the detector in the plainest way: after each entry it scans every pair of venues."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], Tick] = {}
        self.withdrawn: dict[tuple[str, str], tuple[Cause, int]] = {}
        self.verdicts: dict[Route, str] = {}

    def update(self, entry: Entry, now_ns: int) -> set[Route]:
        key = (entry.symbol, entry.exchange_id)
        if entry.exchange_id not in VENUES or not self._take(key, entry):
            return set()
        opened = set()
        for buy in VENUES:
            for sell in VENUES:
                if buy != sell and entry.exchange_id in (buy, sell):
                    route = Route(entry.symbol, buy, sell)
                    verdict, before = self._verdict(route, now_ns), self.verdicts.pop(route, None)
                    if verdict is not None:
                        self.verdicts[route] = verdict
                    if verdict == "opportunity" != before:
                        opened.add(route)
        return opened

    def _take(self, key: tuple[str, str], entry: Entry) -> bool:
        held, withdrawn = self.held.get(key), self.withdrawn.get(key)
        if isinstance(entry, Withdrawal):
            if held is None or held.received_ns > entry.received_ns:
                return False
            self.withdrawn[key] = (entry.cause, entry.received_ns)
            return True
        if withdrawn is not None:
            if entry.received_ns < withdrawn[1]:
                return False
        elif held is not None and entry.sequence_id <= held.sequence_id:
            later_ns = entry.received_ns - held.received_ns
            if later_ns <= 10**9 and not (entry.sequence_id == 1 and later_ns > 0):
                return False
        self.held[key] = entry
        self.withdrawn.pop(key, None)
        return True

    def _verdict(self, route: Route, now_ns: int) -> str | None:
        keys = ((route.symbol, route.buy), (route.symbol, route.sell))
        if not all(key in self.held for key in keys):
            return None
        bought, sold = (self.held[key] for key in keys)
        ask, bid = Fraction(bought.ask_price), Fraction(sold.bid_price)
        if bid <= ask:
            return None
        for key in keys:
            if key in self.withdrawn:
                return self.withdrawn[key][0]
        if any(one.bid_price >= one.ask_price for one in (bought, sold)):
            return "crossed"
        if any(now_ns - one.received_ns > MAX_AGE_NS for one in (bought, sold)):
            return "stale"
        edge = bid * (1 - Fraction(FEES[route.sell])) - ask * (1 + Fraction(FEES[route.buy]))
        if edge < ask * 2 / 10_000:
            return "fee"
        size = min(bought.ask_volume, sold.bid_volume)
        if INSTRUMENTS.find(route.buy, route.symbol) is None or INSTRUMENTS.find(route.sell, route.symbol) is None:
            return "lot"
        if size < LOT or size * ask < LEAST_NOTIONAL:
            return "lot"
        return "depth" if size * ask < 10 else "opportunity"


def word(finding: Opportunity | Ghost) -> str:
    return "opportunity" if isinstance(finding, Opportunity) else finding.cause


@given(histories)
def test_the_detector_says_what_a_scan_of_every_route_says(history: Sequence[tuple[Entry, int]]) -> None:
    detector, oracle = Detector(VENUES, SYMBOLS, SETTINGS, INSTRUMENTS), Oracle()
    opened_in_all = 0
    for entry, later in history:
        now_ns = entry.received_ns + later * 10**8
        opened = detector.update(entry, now_ns)
        assert {one.route for one in opened} == oracle.update(entry, now_ns)
        live = {route: word(found) for symbol in SYMBOLS for route, found in detector.live(symbol).items()}
        assert live == oracle.verdicts
        opened_in_all += len(opened)
    assert detector.opportunities == opened_in_all == len(detector.episodes_so_far())


@given(histories)
def test_an_opportunity_pays_after_fees_and_never_trades_a_venue_with_itself(
    history: Sequence[tuple[Entry, int]],
) -> None:
    detector = Detector(VENUES, SYMBOLS, SETTINGS, INSTRUMENTS)
    for entry, _ in history:
        for found in detector.update(entry, entry.received_ns):
            assert found.route.buy != found.route.sell
            assert found.buy.ask_price < found.sell.bid_price
            assert found.edge_bps >= SETTINGS.min_edge_bps
            assert found.size <= min(found.buy.ask_volume, found.sell.bid_volume)


@given(st.lists(ticks, max_size=12), st.randoms())
def test_without_restarts_the_order_of_arrival_does_not_matter(history: list[Tick], random: object) -> None:
    """The newest id of each venue and symbol is held in the end, whatever came first."""
    once = {(one.exchange_id, one.symbol, one.sequence_id): one for one in history if one.sequence_id > 1}
    same_time = [Tick(*[*(getattr(one, name) for name in one.__struct_fields__[:-1]), 10**9]) for one in once.values()]
    forward, backward = (Detector(VENUES, SYMBOLS, SETTINGS, INSTRUMENTS) for _ in range(2))
    for one in same_time:
        forward.update(one, 10**9)
    for one in reversed(same_time):
        backward.update(one, 10**9)
    for venue in VENUES:
        for symbol in SYMBOLS:
            assert forward.book.quote(venue, symbol) == backward.book.quote(venue, symbol)


def desk() -> Detector:
    return Detector(VENUES, SYMBOLS, SETTINGS, INSTRUMENTS)


def verdict(detector: Detector, route: Route) -> str | None:
    found = detector.live(route.symbol).get(route)
    return word(found) if found is not None else None


ROUTE = Route("BTC/USDT", "binance", "bybit")


def test_an_edge_that_the_fees_eat_is_a_ghost() -> None:
    detector = desk()
    detector.update(tick("binance", 99.9, 100.0), 10**9)
    detector.update(tick("bybit", 100.1, 100.2), 10**9)
    assert verdict(detector, ROUTE) == "fee"


def test_a_withdrawn_quote_is_not_traded_and_the_next_tick_brings_it_back() -> None:
    detector = desk()
    low, high = tick("binance", 99.0, 100.0, sequence_id=900), tick("bybit", 101.0, 101.2)
    detector.update(low, 10**9)
    assert [one.route for one in detector.update(high, 10**9)] == [ROUTE]
    detector.update(Withdrawal(low, "gap", 10**9 + 1), 10**9 + 1)
    assert verdict(detector, ROUTE) == "gap"
    assert detector.book.quote("binance", "BTC/USDT") is None
    again = tick("binance", 99.0, 100.0, sequence_id=7, at_ns=10**9 + 2)  # a new connection counts anew
    assert [one.route for one in detector.update(again, 10**9 + 2)] == [ROUTE]
    assert detector.opportunities == 2
    assert dict(detector.ghosts) == {"gap": 1}


def test_a_late_copy_is_dropped_and_a_restarted_counter_is_not() -> None:
    detector = desk()
    detector.update(tick("bybit", 99.0, 100.0, sequence_id=500), 10**9)
    detector.update(tick("bybit", 98.0, 99.0, sequence_id=499, at_ns=10**9 + 1000), 10**9)
    assert detector.book.repeats == 1
    detector.update(tick("bybit", 97.0, 98.0, sequence_id=1, at_ns=10**9 + 2000), 10**9)  # Bybit's word for a restart
    detector.update(tick("okx", 99.0, 100.0, sequence_id=500), 10**9)
    detector.update(tick("okx", 96.0, 97.0, sequence_id=20, at_ns=3 * 10**9), 3 * 10**9)
    for venue, bid in (("bybit", 97.0), ("okx", 96.0)):
        quote = detector.book.quote(venue, "BTC/USDT")
        assert quote is not None
        assert quote.bid_price == bid


def test_a_quote_that_grows_old_makes_a_ghost_when_its_route_is_looked_at() -> None:
    detector = desk()
    detector.update(tick("binance", 99.0, 100.0), 10**9)
    detector.update(tick("bybit", 101.0, 101.2, sequence_id=1), 10**9)
    detector.update(tick("bybit", 101.0, 101.2, sequence_id=2, at_ns=3 * 10**9), 3 * 10**9)
    assert verdict(detector, ROUTE) == "stale"
    edges = {now.route: now.finding for now in detector.edges(3 * 10**9)}
    assert isinstance(edges[ROUTE], Ghost)
    assert len(edges) == 2
