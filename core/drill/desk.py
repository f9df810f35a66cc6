"""The desk that the crash drill kills: the real engine on simulated venues, armed by itself, JSON lines in and out."""

import asyncio
import logging
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from core.commands import Arm, Disarm, Sign
from core.desk import Snapshot
from core.drill.limits import FAR
from core.engine import Engine
from core.running import running
from core.settings import AnalysisSettings, LogSettings, Settings, VenueSettings
from core.sidecar import heard, say_line

LOOK_S = 0.01


class Place(msgspec.Struct, frozen=True):
    """Where the desk trades, and where it keeps its files. The first line on stdin."""

    urls: Mapping[str, str]  # venue -> websocket of its feed
    entries: Mapping[str, str]  # venue -> where it takes orders
    symbols: tuple[str, ...]
    folder: str

    @property
    def journal(self) -> Path:
        return Path(self.folder) / "journal.sqlite"


class Seen(msgspec.Struct, frozen=True):
    """What the drill looks at."""

    armed: bool = False
    person: bool = False  # it is not armed, and only a person can go on
    halted: str = ""  # why it halted
    points: tuple[str, ...] = ()
    code: str = ""
    gateway: int = 0  # its process, 0: none is up
    at_rest: bool = False  # nothing is in flight, open or to be proven
    orders: int = 0


class Do(msgspec.Struct, frozen=True):
    """What the drill asks for, as a person would: sign the points of `sign`, arm, or let no new trade begin."""

    sign: str = ""
    arm: bool = False
    rest: bool = False


def settings(place: Place) -> Settings:
    folder = Path(place.folder)
    return Settings(
        symbols=place.symbols,
        venues={name: VenueSettings(url=url) for name, url in place.urls.items()},
        approval="auto",
        data_dir=folder,
        journal=place.journal,
        log=LogSettings(kind="memory"),
        limits=FAR,
        analysis=AnalysisSettings(enabled=False),
    )


def seen(snapshot: Snapshot) -> Seen:
    gateway = snapshot.order_gateway
    open_orders = any(one.state in ("intent", "sent") for one in snapshot.orders)
    return Seen(
        armed=snapshot.armed,
        person=not (snapshot.armed or snapshot.recovering),
        halted=snapshot.halted_why,
        points=() if snapshot.recovering else snapshot.points,
        code=snapshot.points_code,
        gateway=gateway.pid if gateway is not None and gateway.health == "up" else 0,
        at_rest=not (snapshot.recovering or snapshot.exposures or open_orders),
        orders=snapshot.order_counts.get("sent", 0),
    )


async def main() -> None:
    """Trade until stdin closes."""
    lines = heard()
    place = msgspec.json.decode(await anext(lines), type=Place)
    logging.basicConfig(filename=Path(place.folder) / "desk.log", level=logging.INFO, format="%(asctime)s %(message)s")
    async with (
        running(settings(place), demo=False, attended=False, live=True, entries=place.entries) as engine,
        asyncio.TaskGroup() as tasks,
    ):
        telling = tasks.create_task(_tell(engine))
        async for line in lines:
            _obey(engine, msgspec.json.decode(line, type=Do))
        telling.cancel()


def _obey(engine: Engine, asked: Do) -> None:
    if asked.sign:
        engine.submit(Sign(asked.sign))
    if asked.arm:
        engine.submit(Arm(lift_halt=True))
    if asked.rest:
        engine.submit(Disarm())


async def _tell(engine: Engine) -> None:
    told = None
    while True:
        now = seen(engine.snapshot())
        if now != told:
            told = now
            say_line(sys.stdout.fileno(), msgspec.json.encode(now))
        await asyncio.sleep(LOOK_S)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(main())
