"""The orders of a run as they stand, the newest of them, and how many ended how."""

from collections import Counter
from typing import get_args

from core.execution.orders import Fate, Outcome, Placed

SHOWN = 200  # the newest orders of this run, and whatever is in flight


class Register:
    """What is known of each order. Whoever learns more says so here."""

    def __init__(self) -> None:
        self._placed: dict[str, Placed] = {}  # client id -> order, oldest first
        self._outcomes: Counter[Outcome] = Counter()

    def find(self, client_id: str) -> Placed | None:
        return self._placed.get(client_id)

    def note(self, placed: Placed) -> None:
        """Hold an order for what `placed` says; forget the oldest that has ended when there are too many."""
        self._placed[placed.order.client_id] = placed
        if len(self._placed) > SHOWN:
            ended = (client_id for client_id, held in self._placed.items() if held.state not in ("intent", "sent"))
            self._placed.pop(next(ended, ""), None)

    def end(self, fate: Fate, now_ns: int) -> bool:
        """Hold an order for ended; return whether that is news. One that comes late corrects an earlier one."""
        held = self.find(fate.order.client_id)
        if held is not None and held.state != "intent" and held.state != "sent":
            if fate.outcome == "unknown" or len(fate.fills) < len(held.fills):
                return False  # more is known already
            self._outcomes[held.state] -= 1
        self._outcomes[fate.outcome] += 1
        at_ns = held.at_ns if held is not None else now_ns
        self.note(Placed(fate.order, fate.outcome, at_ns, fate.fills, fate.why, fate.sent_ns, fate.answered_ns))
        return True

    def all(self) -> tuple[Placed, ...]:
        """Return the newest orders of this run, oldest first."""
        return tuple(self._placed.values())

    def counts(self) -> dict[str, int]:
        """Return how many orders ended how, and how many of them were handed to a venue ("sent")."""
        ended = {outcome: self._outcomes[outcome] for outcome in get_args(Outcome)}
        return {"sent": sum(ended.values()) - ended["not_sent"], **ended}
