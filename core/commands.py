"""What may be asked of a desk, by its own console or from elsewhere. Values that can be sent over a wire."""

import msgspec


class Arm(msgspec.Struct, frozen=True, tag=True):
    """Let orders leave. `lift_halt`: the person saw that the desk is halted, and means to go on."""

    lift_halt: bool = False


class Disarm(msgspec.Struct, frozen=True, tag=True):
    """Let no new order leave."""


class Halt(msgspec.Struct, frozen=True, tag=True):
    """Stop at once: disarm, and refuse every open ticket. Arming again lifts it.

    Hedges of what stands open go on, unless it is meant for them too.
    """

    why: str
    hedges_too: bool = False


class Approve(msgspec.Struct, frozen=True, tag=True):
    """Send both legs of a ticket, if its code is right, and it is still open and still true."""

    ticket_id: str
    code: str


class Refuse(msgspec.Struct, frozen=True, tag=True):
    """Put a ticket away."""

    ticket_id: str


class Sign(msgspec.Struct, frozen=True, tag=True):
    """Take over, as a person, all that stands in the snapshot's `points`; `code` is theirs as they were read."""

    code: str


class AskStrategy(msgspec.Struct, frozen=True, tag=True):
    """Ask a model how to share the limits among the session's routes."""


class AcceptProposal(msgspec.Struct, frozen=True, tag=True):
    """Let a proposal's factors count: sizes of its routes get smaller, or stay."""

    proposal_id: str


class DropProposal(msgspec.Struct, frozen=True, tag=True):
    """Let the limits be as they were set."""


class Fault(msgspec.Struct, frozen=True, tag=True):
    """Make a simulated venue fail, or the venue "gateway" (demo only). `kind` is one of the snapshot's faults."""

    kind: str
    venue: str


Command = Arm | Disarm | Halt | Approve | Refuse | Sign | AskStrategy | AcceptProposal | DropProposal | Fault
