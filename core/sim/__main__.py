"""The simulated market as a child process: JSON lines on stdin and stdout, and nothing else there.

It ends when its stdin closes, on SIGTERM and on SIGINT.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec
import orjson

from core.errors import ConfigurationError, DeskError
from core.sidecar import heard, say_line
from core.sim.crossings import parse_ranges
from core.sim.entry.desk import OrderDesk
from core.sim.faults import known, parse
from core.sim.gateway import FOR_A_DEMO, SimulatedGateway
from core.sim.listings import VENUES, lattices
from core.sim.odd_answers import known as known_trouble
from core.sim.simulation import Settings, Simulation

new_event_loop: Callable[[], asyncio.AbstractEventLoop] | None
try:
    from uvloop import new_event_loop
except ImportError:  # not on Windows
    new_event_loop = None

LINE_LIMIT = 2**20
TROUBLE_S = 15.0  # how long the gateway fails when it is told to


class _Arguments(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigurationError("The simulated market", why=message)


def read_arguments(arguments: list[str] | None = None) -> Settings:
    """Return what the command line asks for.

    Raises:
        ConfigurationError: it makes no sense.
    """
    parser = _Arguments(prog="python -m core.sim", description=__doc__, allow_abbrev=False)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2_000.0, metavar="TICKS_PER_S")
    parser.add_argument("--crossings-per-s", type=float, default=1.0, metavar="X")
    parser.add_argument("--crossing-s", default="0.3,2", metavar="MIN,MAX[;MIN,MAX...]")
    parser.add_argument("--symbols", default="BTC/USDT,ETH/USDT,SOL/USDT,XRP/USDT", metavar="A/B,C/D...")
    parser.add_argument("--min-edge-bps", type=float, default=2.0, metavar="E")
    parser.add_argument("--fee-bps", type=float, default=10.0, metavar="F")
    parser.add_argument("--fault", action="extend", nargs="+", default=[], metavar="KIND[:VENUE][@SECONDS]")
    parser.add_argument("--venues", default=",".join(VENUES), metavar="A,B...")
    parser.add_argument("--anomalies-per-s", type=float, default=0.0, metavar="X")
    parser.add_argument("--order-entry", action="store_true")
    parser.add_argument("--order-faults", type=float, default=0.0, metavar="SHARE")
    given = parser.parse_args(arguments)
    symbols = tuple(dict.fromkeys(filter(None, given.symbols.split(","))))
    venues = tuple(dict.fromkeys(filter(None, given.venues.split(","))))
    if not 0 < given.rate <= 1e6 or not 0 <= given.crossings_per_s <= 1e3 or not symbols:
        raise ConfigurationError("The simulated market needs symbols, a rate above 0 and crossings per s from 0 up")
    return Settings(
        symbols=symbols,
        seed=given.seed,
        rate=given.rate,
        crossings_per_s=given.crossings_per_s,
        crossing_s=parse_ranges(given.crossing_s),
        min_edge_bps=given.min_edge_bps,
        fee_bps=given.fee_bps,
        faults=tuple(parse(given.fault, venues)),
        venues=venues,
        anomalies_per_s=given.anomalies_per_s,
        order_entry=given.order_entry,
        order_faults=given.order_faults,
    )


def complain(why: object) -> None:
    print("core.sim:", str(why).replace("\n", " "), file=sys.stderr, flush=True)


class Parent:
    """The process that started us. `gone` is set when we are to end."""

    def __init__(self, simulation: Simulation, gateway: SimulatedGateway, orders: OrderDesk) -> None:
        self._simulation, self._gateway, self._orders = simulation, gateway, orders
        self.gone = asyncio.Event()

    def say(self, message: dict[str, Any]) -> None:
        """Write one line; a full pipe only holds up the market."""
        if not say_line(sys.stdout.fileno(), orjson.dumps(message)):
            self.gone.set()

    async def listen(self) -> None:
        """Do what the parent says, until it says nothing any more."""
        try:
            async for line in heard(LINE_LIMIT):
                try:
                    self._obey(orjson.loads(line))
                except (orjson.JSONDecodeError, ConfigurationError) as error:
                    complain(error)
        except ValueError as error:  # a line beyond the limit
            complain(error)
        finally:
            self.gone.set()

    def _obey(self, message: Any) -> None:
        match message:
            case {"finish": True}:
                self.say({"truth": msgspec.to_builtins(self._simulation.finish())})
            case {"fault": kind, "venue": "gateway"}:
                trouble = known_trouble(kind)
                if trouble is None:
                    raise ConfigurationError(f"The gateway cannot {kind!r}", do=f"Take {', '.join(FOR_A_DEMO)}.")
                self._gateway.always(trouble, TROUBLE_S)
                self.say({"fault": kind, "venue": "gateway", "at_ns": 0, "phase": f"for {TROUBLE_S:g} s"})
            case {"orders": asked}:
                if told := self._orders.obey(asked):
                    self.say(told)
            case {"fault": kind, "venue": venue}:
                if not self._simulation.fail(*known(kind, venue, list(self._simulation.venues))):
                    raise ConfigurationError(f"{venue} takes no more faults", why="too many wait, or all is over")
            case _:
                raise ConfigurationError("The parent said something unknown", why=repr(message)[:200])


async def main(settings: Settings) -> None:
    """Simulate until the parent or a signal ends it."""
    simulation, gateway = Simulation(settings), SimulatedGateway(seed=settings.seed)
    orders = OrderDesk(simulation, settings)
    parent = Parent(simulation, gateway, orders)
    orders.announce = parent.say
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, parent.gone.set)
    async with simulation.open() as urls, gateway.open(), orders.open() as entries:
        listed = lattices(settings.venues, settings.symbols)
        parent.say(
            {
                "urls": urls,
                "gateway": gateway.url,
                "orders": entries,
                "pid": os.getpid(),
                "instruments": [msgspec.to_builtins(one) for one in listed],
            }
        )
        async with asyncio.TaskGroup() as tasks:
            work = [tasks.create_task(simulation.run(parent.say)), tasks.create_task(parent.listen())]
            await parent.gone.wait()
            for task in work:
                task.cancel()


def run() -> int:
    """Return the exit code: 0 ended as asked, 2 told to do something impossible, 1 failed."""
    code = 0
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(main(read_arguments()))
    except* DeskError as errors:
        complain(_first(errors))
        code = 2
    except* OSError as errors:
        complain(_first(errors))
        code = 1
    return code


def _first(errors: BaseException) -> BaseException:
    return _first(errors.exceptions[0]) if isinstance(errors, BaseExceptionGroup) else errors


if __name__ == "__main__":
    sys.exit(run())
