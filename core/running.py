"""A desk from its settings to its end: what it stands on is opened, its engine started, and all let go in order."""

import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from core import advising
from core.control import known_door
from core.desk import Mode
from core.engine import Engine
from core.errors import ConfigurationError
from core.execution.accounts import DAY_NS, Accounts
from core.execution.paperbooks import PaperBooks
from core.execution.planning import Ids, install_code
from core.opening import open_journal, open_log, open_orders
from core.parts import Opened, Parts
from core.places import data_dir, desk_name
from core.recording import open_tape
from core.remote.keys import operators
from core.settings import Settings
from core.sim.supervised import simulated, simulated_market
from core.taping import TapedLog


@asynccontextmanager
async def running(
    settings: Settings, *, demo: bool, attended: bool, live: bool = False, entries: Mapping[str, str] | None = None
) -> AsyncIterator[Engine]:
    """Run the desk as long as the context lasts. `attended`: a person is at it, who arms it.

    `live`: its orders go to the venues, or to `entries`, where simulated ones take orders.

    Raises:
        DeskError: a part could not start.
    """
    run_id = uuid.uuid4().hex[:12]
    _expect_a_whole_desk(settings, demo=demo)
    obeyed = operators(settings.remote.operators)
    if demo:  # its venues are its own, whatever the user's are set to
        settings = simulated(settings)
    async with AsyncExitStack() as stack:
        journal, path, left_open = await open_journal(stack, settings, run_id, demo=demo, live=live)
        name = desk_name(settings, path, demo=demo)
        log = await open_log(stack, settings, run_id if demo else None, name)
        market, recorder = None, None
        if demo:
            market = await stack.enter_async_context(simulated_market(settings))
            live, entries = settings.demo.live_sim, market.order_urls
        if settings.tape.record:
            recorder = stack.enter_context(open_tape(settings, market, live=live))
            log = TapedLog(log, recorder)
        link = await open_orders(stack, settings, entries or {}, live=live)
        stem_s = int(time.time())
        install = install_code(str(path))
        ids = Ids.after(await journal.last_trade_id(Ids(install, stem_s).stem), install, stem_s)
        accounts = Accounts()
        if not demo:  # the limits of a day hold through a restart
            now_ns = time.time_ns()
            accounts.recall(await journal.fills_since(now_ns - now_ns % DAY_NS))
        gateway = advising.gateway(settings.analysis, settings.role, market.gateway_url if market else None)
        ledger = data_dir(settings) / "analysis.sqlite"
        if gateway.simulated:  # no money: it begins anew, and nothing of it stays
            ledger = Path(stack.enter_context(TemporaryDirectory(prefix="arbdesk-"))) / "analysis.sqlite"
        mode: Mode = "DEMO" if demo else "LIVE" if live else "PAPER"
        books = None
        if link is None:
            books = stack.enter_context(PaperBooks(path, anew=demo and settings.journal is None))
        opened = Opened(
            settings, mode, name, run_id, log, journal, ids, accounts, gateway, ledger, market, link, books, recorder
        )
        engine = Engine(Parts(opened))
        engine.tell_left_open(left_open)
        engine.recall(advising.allocation(settings, path))
        engine.be_known(run_id, obeyed)
        await stack.enter_async_context(engine.door().open(path))
        stack.enter_context(known_door(path, run_id))
        await engine.start()
        try:
            if settings.approval == "auto" and not attended:
                engine.arm_unattended()
            yield engine
        finally:
            await engine.stop()


def _expect_a_whole_desk(settings: Settings, *, demo: bool) -> None:
    """Check that what does not run here can be met elsewhere, and is not done twice.

    Raises:
        ConfigurationError: it cannot be, or would be.
    """
    if settings.role != "all" and (demo or settings.log.kind == "memory"):
        raise ConfigurationError(
            f'role = "{settings.role}"',
            why="the parts of a desk meet on Kafka" if not demo else "a demo is one process",
            do='Set log.kind = "kafka", or leave the role at "all".',
        )
    if settings.role == "worker" and settings.log.group is None:
        raise ConfigurationError(
            'role = "worker" and no log.group',
            why="without a group every worker judges all symbols, and two of them trade each opportunity twice",
            do="Name the group whose workers share the symbols: --group desk, or log.group in the settings.",
        )
