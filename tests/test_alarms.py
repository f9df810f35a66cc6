"""What is said aloud of trades that are not even, and what halts the desk for a person."""

from pathlib import Path

from core.alarms import ALARM_NS, Alarms
from core.execution.orders import Fate
from tests.execution.parts import filled, trade
from tests.test_trading import floor


async def test_what_is_asked_about_for_too_long_is_said_once(tmp_path: Path) -> None:
    async with floor(tmp_path) as desk:
        told: list[str] = []
        alarms = Alarms(desk.trading.rescue, desk.trading.arming, lambda _, text: told.append(text))
        one = trade()
        desk.trading.rescue.note(one, [Fate(one.buy, "unknown")], "asking", why="no answer")
        (exposure,) = desk.trading.rescue.exposures()
        alarms.look(exposure.since_ns + ALARM_NS)
        assert told == []
        alarms.look(exposure.since_ns + ALARM_NS + 1)
        alarms.look(exposure.since_ns + ALARM_NS + 2)
        assert told == ["an order of BTC/USDT is unknown since 5 s: no answer"]


async def test_what_a_rescue_gives_to_a_person_halts_the_desk(tmp_path: Path) -> None:
    async with floor(tmp_path) as desk:
        alarms = Alarms(desk.trading.rescue, desk.trading.arming, lambda *_: None)
        one = trade()
        desk.trading.rescue.note(one, [filled(one.buy)], "hedging")
        alarms.ended(one)
        assert not desk.trading.limits.halted
        desk.trading.rescue.note(one, [filled(one.buy)], "manual", why="no price", person=True)
        alarms.ended(one)
        size = f"{one.buy.size.normalize():f}"
        assert desk.trading.limits.halted_why == f"{size} BTC/USDT bought and not sold needs a person: no price"
