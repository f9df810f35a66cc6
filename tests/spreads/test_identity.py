"""One name, two things: put aside once it lasts, and until a person has said otherwise."""

from decimal import Decimal
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.identity import IdentityWatch, Ledger, confirm
from core.instruments import Instruments, shipped
from core.settings import SpreadSettings
from core.spreads.book import SpreadBook
from core.spreads.detector import Detector
from core.spreads.identity import LASTS_NS, Identities, Stranger
from core.spreads.route import Opportunity
from core.tick import Tick

VENUES = ("binance", "bybit", "okx")
SYMBOL = "BTC/USDT"
START_NS = 1_790_000_000_000_000_000
SECOND_NS = 10**9


def tick(venue: str, price: float, now_ns: int, number: int = 1) -> Tick:
    return Tick(venue, SYMBOL, price, price * 1.0001, 5.0, 5.0, now_ns // 10**6, number, now_ns)


def found(prices: dict[str, float], seconds: int, identities: Identities | None = None) -> dict[str, float]:
    """Return what is put aside after so many seconds of those prices, and how many times too much it costs."""
    identities, book = identities or Identities(), SpreadBook(VENUES, [SYMBOL])
    for second in range(seconds + 1):
        now_ns = START_NS + second * SECOND_NS
        for venue, price in prices.items():
            book.update(tick(venue, price, now_ns, second + 1))
        identities.look(VENUES, book.markets.values(), 60 * SECOND_NS, now_ns)
    return {one.venue: round(one.ratio, 3) for one in identities.strangers.values()}


LASTS_S = LASTS_NS // SECOND_NS


@pytest.mark.parametrize(
    ("prices", "aside"),
    [
        ({"binance": 100.0, "bybit": 101.0, "okx": 99.0}, {}),
        ({"binance": 100.0, "bybit": 100.0, "okx": 119.0}, {}),
        ({"binance": 100.0, "bybit": 100.0, "okx": 130.0}, {"okx": 1.3}),
        ({"binance": 100.0, "bybit": 100.0, "okx": 0.1}, {"okx": 0.001}),
        ({"binance": 100.0, "bybit": 100_000.0}, {"binance": 0.001, "bybit": 1000.0}),  # neither can be believed
        ({"binance": 1.0, "bybit": 10.0, "okx": 100.0}, {"binance": 0.018, "bybit": 0.198, "okx": 18.182}),
        ({"okx": 100.0}, {}),
    ],
)
def test_a_price_that_is_not_that_of_most_is_put_aside(prices: dict[str, float], aside: dict[str, float]) -> None:
    assert found(prices, LASTS_S) == aside


def test_a_price_that_is_wrong_for_a_moment_is_not() -> None:
    identities = Identities()
    wrong = {"binance": 100.0, "bybit": 100.0, "okx": 1000.0}
    assert found(wrong, LASTS_S - 1, identities) == {}
    assert found({**wrong, "okx": 100.0}, 1, identities) == {}
    assert found(wrong, LASTS_S - 1, identities) == {}


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (1000.2, "a unit of 1,000"),
        (0.000995, "1/1,000 of the unit"),
        (1.3, "another thing of the same name"),
        (777.0, "another thing of the same name"),
    ],
)
def test_what_it_looks_like_is_said(ratio: float, words: str) -> None:
    assert Stranger("okx", SYMBOL, ratio, START_NS).looks_like == words


class Desk:
    """A detector, and what looks after its names."""

    def __init__(self, file: Path | None) -> None:
        self.detector = Detector(
            VENUES, [SYMBOL], SpreadSettings(), Instruments(shipped(), dict.fromkeys(VENUES, Decimal(0)))
        )
        self.notices: list[str] = []
        ledger = Ledger(file) if file else None
        self.watch = IdentityWatch(self.detector, ledger, lambda level, text: self.notices.append(f"{level}: {text}"))
        self._number = 0

    def pass_s(self, seconds: int, okx: float) -> None:
        for _ in range(seconds):
            self._number += 1
            self.now_ns = START_NS + self._number * SECOND_NS
            for venue, price in (("binance", 100.0), ("bybit", 100.0), ("okx", okx)):
                self.detector.update(tick(venue, price, self.now_ns, self._number), self.now_ns)
            self.watch.look(self.now_ns)

    @property
    def causes(self) -> set[str]:
        return {"pays" if isinstance(one, Opportunity) else one.cause for one in self.detector.live(SYMBOL).values()}


def test_what_was_put_aside_stays_a_ghost_until_a_person_confirms_it(tmp_path: Path) -> None:
    file = tmp_path / "data" / "identity.json"
    desk = Desk(file)
    desk.pass_s(LASTS_S + 2, okx=1000.0)
    assert desk.causes == {"identity"}
    (notice,) = desk.notices
    assert "okx BTC/USDT costs 10 times what it costs elsewhere (a unit of 10), and is not traded there" in notice
    desk.pass_s(3, okx=102.0)  # it would pay, were it the same thing
    assert desk.causes == {"identity"}
    again = Desk(file)  # the desk after a restart
    again.pass_s(1, okx=102.0)
    assert again.causes == {"identity"}
    with pytest.raises(ConfigurationError, match="gate BTC/USDT is not put aside: okx BTC/USDT"):
        confirm(Ledger(file), "gate", SYMBOL)
    assert confirm(Ledger(file), "okx", SYMBOL, "ann").confirmed_by == "ann"
    for one in (desk, again):
        one.pass_s(2, okx=102.0)
        assert one.causes == {"pays"}
    desk.pass_s(LASTS_S + 2, okx=1000.0)  # confirmed; still no price to believe
    assert desk.causes == {"identity"}


def test_a_simulated_desk_forgets_and_writes_nothing() -> None:
    desk = Desk(None)
    desk.pass_s(LASTS_S + 2, okx=1000.0)
    assert desk.detector.aside == {("okx", SYMBOL)}
    assert len(desk.notices) == 1


def test_a_file_that_cannot_be_read_is_told_and_stops_nothing(tmp_path: Path) -> None:
    file = tmp_path / "identity.json"
    file.write_text("[{")
    desk = Desk(file)
    desk.pass_s(2, okx=102.0)
    assert desk.causes == {"pays"}
    assert "identity.json" in desk.notices[0]
