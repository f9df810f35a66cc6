from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from core.feeds.collector import FeedState
from core.guard import surely_ahead_ms
from core.settings import ControlSettings, LimitSettings
from core.tripwires import Signs, Tripwires

S = 10**9
NOW = 1_800_000_000 * S
UP = {"binance": NOW, "okx": NOW}


def signs(at_s: float = 0.0, *, jump_s: float = 0.0, ticks: Mapping[str, int] = UP, **more: Any) -> Signs:
    seen = Signs(NOW + int((at_s + jump_s) * S), int(at_s * S), {}, ticks, {}, {})
    return seen._replace(**more)


def wires() -> Tripwires:
    made = Tripwires(ControlSettings(), LimitSettings(max_daily_loss=Decimal(100)))
    assert made.arm(signs()) is None
    assert made.look(signs()) is None
    return made


def test_nothing_wrong_halts_nothing() -> None:
    made = wires()
    for second in range(60):
        fresh = {"binance": NOW + second * S, "okx": NOW + second * S}
        late = {"binance": 80.0, "okx": -480.0}
        assert made.look(signs(second, ticks=fresh, clock_ahead_ms=late)) is None


def test_one_venue_with_prices_is_too_few_once_there_were_two() -> None:
    made = wires()
    ticks = {"binance": NOW, "okx": NOW + 60 * S}
    assert made.look(signs(9.9, ticks=ticks)) is None
    found = made.look(signs(10, ticks=ticks))
    assert found == ("feeds", "no prices from binance for 10 s")
    never = Tripwires(ControlSettings(), LimitSettings())
    never.arm(signs(ticks={}))
    assert never.look(signs(99, ticks={"okx": NOW})) is None


def test_a_clock_that_jumps_or_that_every_venue_calls_late_halts_and_one_venue_alone_only_after_a_while() -> None:
    assert wires().look(signs(1, jump_s=0.4)) is None
    found = wires().look(signs(1, jump_s=-2))
    assert found == ("clock", "this machine's clock jumped by -2.0 s")
    made, both = wires(), {"binance": 700.0, "okx": 900.0}
    assert made.look(signs(1, clock_ahead_ms=both)) is None
    found = made.look(signs(2, clock_ahead_ms=both))
    assert found == ("clock", "binance's clock is at least 0.7 s ahead of this machine's")
    made, both = wires(), {"binance": -700.0, "okx": -900.0}
    made.look(signs(1, clock_ahead_ms=both))
    assert made.look(signs(2, clock_ahead_ms=both)) == (
        "clock",
        "binance's clock is at least 0.7 s behind this machine's",
    )
    made, one = wires(), {"binance": 7.0, "okx": 900.0}
    stay = {"binance": NOW + 999 * S, "okx": NOW + 999 * S}
    assert made.look(signs(1, clock_ahead_ms=one, ticks=stay)) is None
    assert made.look(signs(140, clock_ahead_ms=one, ticks=stay)) is None
    assert made.look(signs(152, clock_ahead_ms=one, ticks=stay)) is not None


def test_an_order_that_stays_unknown_a_loss_and_a_lost_log_halt_with_their_reason() -> None:
    made = wires()
    assert made.look(signs(9, asking_since_ns={"t1": NOW})) is None
    assert made.look(signs(9.99, asking_since_ns={"t2": NOW - S})) == (
        "unknown order",
        "an order of t2 is unknown for 10 s",
    )
    assert wires().look(signs(losses={"USDT": Decimal("99.9")})) is None
    assert wires().look(signs(losses={"USDT": Decimal(100)})) == (
        "loss",
        "this day lost 100.00 USDT, and the limit is 100",
    )
    assert made.look(signs(1, log_trouble="no broker")) is None
    assert made.look(signs(3)) is None  # it was back in between
    assert made.look(signs(4, log_trouble="no broker")) is None
    assert made.look(signs(9, log_trouble="no broker")) == ("log", "no broker")


@pytest.mark.parametrize("seen", [{"losses": {"USDT": Decimal(100)}}, {"clock_ahead_ms": {"okx": 900.0}}])
def test_a_loss_or_a_wrong_clock_keeps_a_desk_from_being_armed(seen: dict[str, Any]) -> None:
    made = Tripwires(ControlSettings(), LimitSettings(max_daily_loss=Decimal(100)))
    assert made.arm(signs(**seen)) is not None


@pytest.mark.parametrize(
    ("ahead", "offset", "bound", "sure"),
    [
        (-3_000.0, None, None, 0.0),  # news that is late says nothing of a clock
        (900.0, None, None, 900.0),
        (900.0, 20.0, 30.0, 0.0),  # the venue was asked, and one frame was wrong
        (-3_000.0, -2_500.0, 40.0, -2_460.0),
        (None, None, None, None),
    ],
)
def test_only_what_is_sure_of_a_venues_clock_counts(
    ahead: float | None, offset: float | None, bound: float | None, sure: float | None
) -> None:
    feed = FeedState("okx", "up", clock_ahead_ms=ahead, clock_offset_ms=offset, clock_bound_ms=bound)
    assert surely_ahead_ms(feed) == sure
