"""The baseline as quotes come: what leaves its collar between two looks is heard of at once, and nothing else is."""

from hypothesis import given
from hypothesis import strategies as st

from core.analysis.lookout import ALARM, LOOK_S, Alarm, Lookout
from core.spreads.baseline import WARM
from core.spreads.book import Market, SpreadBook
from core.tick import Tick, Withdrawal

VENUES = ("binance", "bybit", "okx")
SYMBOL = "BTC/USDT"
LOOK_NS = int(LOOK_S * 1e9)
BPS = 1e-4


class Desk:
    """A book that has been looked at for a while, and what was heard of it since."""

    def __init__(self) -> None:
        self.book = SpreadBook(VENUES, (SYMBOL,))
        self.heard: list[Alarm] = []
        self.lookout = Lookout(self.book, self.heard.append)
        self.now_ns = 1_700_000_000_000_000_000
        self._number = 0
        for number in range(2 * WARM):
            for at, venue in enumerate(VENUES):
                self.quote(venue, (number + at) % 3 * 0.2)
            self.look()
        assert self.heard == []

    @property
    def market(self) -> Market:
        return self.book.markets[SYMBOL]

    def quote(self, venue: str, off_bps: float, spread_bps: float = 1.5) -> None:
        """Let a venue's next quote be so far from 100, a millisecond later."""
        self.now_ns += 1_000_000
        self._number += 1
        mid, half = 100 * (1 + off_bps * BPS), 100 * spread_bps / 2 * BPS
        now_ms = self.now_ns // 1_000_000
        self.book.update(Tick(venue, SYMBOL, mid - half, mid + half, 1.0, 1.0, now_ms, self._number, self.now_ns))

    def look(self) -> dict[str, float]:
        """Look, a while later; return the venues' scores."""
        self.now_ns += LOOK_NS
        return {one.venue: one.score for one in self.lookout.look(self.market, self.now_ns)}

    def told(self) -> list[tuple[str, str, bool]]:
        """Return what was heard since the last time: who, why, and whether it began."""
        said: list[tuple[str, str, bool]] = [(one.scored.venue, one.scored.oddity, one.begins) for one in self.heard]
        self.heard.clear()
        return said


def test_what_comes_and_goes_between_two_looks_is_heard_of_once() -> None:
    desk = Desk()
    desk.quote("okx", 12.0)
    (alarm,) = desk.heard
    assert (alarm.symbol, alarm.at_ns, alarm.begins) == (SYMBOL, desk.now_ns, True)
    assert [one.venue for one in alarm.scores] == list(VENUES)
    assert alarm.scored in alarm.scores
    assert desk.lookout.scores[SYMBOL] == alarm.scores
    desk.quote("okx", 13.0)
    desk.quote("okx", 0.2)
    assert desk.told() == [("okx", "price_off", True)]
    desk.look()
    assert desk.told() == []


def test_an_alarm_goes_on_from_look_to_look_until_the_quote_is_back_in_line() -> None:
    desk = Desk()
    desk.quote("okx", 0.2, spread_bps=40.0)
    desk.look()
    desk.look()
    assert desk.told() == [("okx", "wide_spread", begins) for begins in (True, False, False)]
    desk.quote("okx", 0.2)
    desk.look()
    desk.quote("okx", 1_500.0)
    assert desk.told() == [("okx", "price_off", True)]


def test_a_venue_that_stays_behind_is_found_at_its_own_next_quote() -> None:
    desk = Desk()
    desk.quote("binance", 12.0)
    desk.quote("bybit", 12.0)
    desk.told()  # the one that went first, as far as anybody knew
    desk.quote("okx", 0.2)
    assert desk.told() == [("okx", "price_off", True)]


def test_a_venue_that_says_nothing_is_found_by_a_look() -> None:
    desk = Desk()
    for _ in range(40):
        for venue in VENUES[:2]:
            desk.quote(venue, 0.2)
        desk.look()
    assert desk.told()[0] == ("okx", "stale_quote", True)


def test_a_crossed_quote_is_heard_of_and_one_without_others_is_not() -> None:
    desk = Desk()
    desk.quote("okx", 0.2, spread_bps=-0.5)
    assert desk.told() == [("okx", "crossed", True)]
    for venue in VENUES[:2]:
        tick = desk.market.ticks[VENUES.index(venue)]
        assert tick is not None
        desk.book.update(Withdrawal(tick, "gap", desk.now_ns))
    desk.quote("okx", 0.2)
    desk.look()
    desk.told()
    desk.quote("okx", 30.0)  # nobody else has a price
    assert desk.told() == []


@given(
    st.sampled_from(VENUES),
    st.floats(-20, 20) | st.floats(-4_000, 4_000),
    st.floats(0.1, 12) | st.floats(-2, 400),
)
def test_a_quote_is_heard_of_exactly_if_its_score_is_anomalous(venue: str, off_bps: float, spread_bps: float) -> None:
    desk = Desk()
    desk.quote(venue, off_bps, spread_bps)
    at_once = [one.scored.venue for one in desk.heard]
    desk.now_ns -= LOOK_NS  # a look at the same moment
    assert at_once == ([venue] if desk.look()[venue] >= ALARM else [])
