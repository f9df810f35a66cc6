"""`arbdesk attach`: the same console on a desk that runs elsewhere."""

import asyncio

import click

from console.app import Console
from console.headless import log_to
from console.panes.text import age, inert
from console.screen import ending, kept, terminal_gone
from core.errors import ConfigurationError, LogUnavailable
from core.log.security import secured
from core.places import data_dir
from core.remote.desk import LOST_NS, RemoteDesk
from core.remote.keys import console_key
from core.remote.watch import LISTEN_S, Heard, Watch
from core.settings import Settings

REACH_S = 10.0  # so long may it take until Kafka lets us listen
NAMED_S = 5.0  # so long is a desk that was named waited for


async def attach_to(settings: Settings, desk_id: str | None, *, read_only: bool) -> str:
    """Show a desk until the person leaves; return what to say then.

    Raises:
        ConfigurationError: no key, no such desk, or several and none was named.
        LogUnavailable: no broker answers.
    """
    key = None if read_only else console_key(settings.remote.key)
    secured(settings.log)  # mistakes in it are told before anything is tried
    folder = data_dir(settings)
    folder.mkdir(parents=True, exist_ok=True)
    log_to(folder / "attach.log", verbose=settings.verbose)
    watch = Watch(settings.log, desk_id)
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch.run(), name="watch")
        chosen = await choose(watch, desk_id, settings.log.bootstrap)
        watch.look_only_for(chosen)
        desk = RemoteDesk(settings.log, chosen, watch, key)
        running = tasks.create_task(desk.run(), name="remote desk")
        try:
            await _show(desk, settings)
        finally:
            running.cancel()
            watching.cancel()
    return _farewell(watch.heard[chosen], chosen)


async def _show(desk: RemoteDesk, settings: Settings) -> None:
    app = Console(desk, settings.console, clock_ns=desk.now_ns, old_ns=LOST_NS, **kept(data_dir(settings)))
    async with ending(app, terminal_gone, told="the desk is not touched"):
        await app.run_async(mouse=settings.console.mouse)


async def choose(watch: Watch, desk_id: str | None, bootstrap: str) -> str:
    """Return the desk to attach to: the one that was named, or the only one that runs.

    Raises:
        ConfigurationError: no such desk, or several and none was named.
        LogUnavailable: no broker answers.
    """
    await _listen(watch, desk_id, bootstrap)
    running = {name: heard for name, heard in watch.heard.items() if not heard.ended}
    if desk_id in running:
        return desk_id
    if desk_id is not None:
        raise ConfigurationError(
            f"No desk called {desk_id} runs on Kafka at {bootstrap}",
            why=watch.unreadable.get(desk_id) or f"none of that name was heard within {NAMED_S:g} s",
            do="Without --desk, those that run are listed.",
        )
    if not running:
        raise ConfigurationError(
            f"No desk runs on Kafka at {bootstrap}",
            why=f"none was heard within {LISTEN_S:g} s",
            do="Start one with --log kafka.",
        )
    if len(running) > 1:
        for name, heard in sorted(running.items()):
            click.echo(line_of(name, heard))
        raise ConfigurationError(
            f"{len(running)} desks run on Kafka at {bootstrap}", do="Name one of them: --desk NAME."
        )
    return next(iter(running))


async def _listen(watch: Watch, desk_id: str | None, bootstrap: str) -> None:
    """Wait until the desk that was named is heard, or until all have had the time to be."""
    try:
        async with asyncio.timeout(REACH_S):
            await watch.ready.wait()
    except TimeoutError:
        raise LogUnavailable(watch.trouble or f"Kafka at {bootstrap} does not answer") from None
    try:
        async with asyncio.timeout(LISTEN_S if desk_id is None else NAMED_S):
            while desk_id is None or desk_id not in watch.heard:
                watch.news.clear()
                await watch.news.wait()
    except TimeoutError:
        pass


def line_of(name: str, heard: Heard) -> str:
    """Return one desk in a line: what it is, whether orders may leave, how fresh that is, and whom it obeys."""
    snapshot = heard.state.snapshot
    mode = "DEMO SIMULATED" if snapshot.mode == "DEMO" else snapshot.mode
    state = "HALTED" if snapshot.halted else "ARMED" if snapshot.armed else "DISARMED"
    obeys = ", ".join(map(inert, snapshot.outside.operators)) or "nobody from outside"
    standing = f"{inert(name):<32}  {mode:<14}  {state:<8}  {age(heard.age_ns):>5} old"
    return f"{standing}  {len(snapshot.symbols)} symbols  obeys {obeys}"


def _farewell(heard: Heard, desk_id: str) -> str:
    if heard.ended:
        return f"detached; desk {desk_id} had ended"
    if heard.age_ns > LOST_NS:
        return f"detached; desk {desk_id} was last heard of {age(heard.age_ns)} ago"
    return f"detached; desk {desk_id} goes on"
