"""What the palette offers beyond the keys: commands to the desk that are too rare, or too grave, for one."""

from collections.abc import Iterator
from typing import NamedTuple

from console.panes.text import inert
from core.commands import AskStrategy, Command, DropProposal, Fault, Halt
from core.desk import Snapshot


class Offer(NamedTuple):
    title: str
    meaning: str
    command: Command


def offers(snapshot: Snapshot) -> Iterator[Offer]:
    """Yield what can be told to the desk as it is; faults only of what is simulated."""
    halt_all = Halt("halted from the console, hedges too", hedges_too=True)
    yield Offer("Halt all", "No order leaves, and no hedge of what stands open", halt_all)
    yield Offer("Ask for a new proposal", "A model shares the limits", AskStrategy())
    if snapshot.analysis.in_force is not None:
        yield Offer("Drop the proposal in force", "Let sizes be what the limits allow", DropProposal())
    for kind in snapshot.gateway_faults:
        yield Offer(f"Simulate: {kind} on the gateway", "Make the simulated gateway fail", Fault(kind, "gateway"))
    for venue in snapshot.venues if snapshot.mode == "DEMO" else ():
        for kind in snapshot.faults:
            title = f"Simulate: {kind} on {inert(venue.name)}"
            yield Offer(title, "Make a simulated venue fail", Fault(kind, venue.name))
