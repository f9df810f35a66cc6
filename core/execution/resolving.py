"""What became of an order whose answer never came: asked, never guessed, never sent again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from core.attempts import attempt
from core.errors import DeskError
from core.execution.orders import Broker, Fate, Order

Sleep = Callable[[float], Awaitable[None]]
WITHOUT_WINDOW_S = {"upbit": 10.0}  # venues that take an order however late it comes: longer until it never did


class Patience(NamedTuple):
    """How long an unknown order is asked about. Seconds."""

    # between the first questions, then the last of them: quick, for a desk that starts anew waits for the answers
    first_s: tuple[float, ...] = (0.2, 0.3, *(0.5,) * 10, 1.0)
    window_s: float = 3.0  # after the deadline, when no byte left any more: the venue's own window and one more second
    alone_s: float = 60.0  # after that a person has to look
    ask_s: float = 5.0  # for one answer
    misses: int = 3  # in a row, all of them after the window: only then it never arrived


PATIENCE = Patience()


async def resolve(
    order: Order,
    broker: Broker,
    clock_ns: Callable[[], int],
    sleep: Sleep = asyncio.sleep,
    patience: Patience = PATIENCE,
) -> Fate:
    """Return the proven fate of `order`; unknown if nothing was proven before a person has to look.

    The venue's word counts at once when it knows the order, and only after the order cannot be accepted any more when
    it does not. A question that fails says nothing.
    """
    began_ns, misses, why = clock_ns(), 0, "the venue was not asked"
    last_call_ns = order.deadline_ns + int(max(patience.window_s, WITHOUT_WINDOW_S.get(order.venue, 0.0)) * 1e9)
    for pause_s in _pauses(patience):
        await sleep(pause_s)
        answer = await _ask(order, broker, patience.ask_s)
        if isinstance(answer, str):
            why = answer  # what was found before still holds
        elif answer is None:
            misses = misses + 1 if clock_ns() > last_call_ns else 0
            why = "the venue knows no such order"
            if misses >= patience.misses:
                return Fate(order, "not_sent", why="never arrived: the venue does not know it")
        elif answer.outcome == "unknown":
            misses, why = 0, answer.why
        else:
            return answer
        if clock_ns() - began_ns > patience.alone_s * 1e9:
            break
    return Fate(order, "unknown", why=f"not proven within {patience.alone_s:g} s: {why}")


async def _ask(order: Order, broker: Broker, ask_s: float) -> Fate | str | None:
    """Return the venue's answer, or why there was none."""
    answer = await attempt(broker.ask(order), ask_s)
    match answer:
        case TimeoutError():
            return f"no answer within {ask_s:g} s"
        case DeskError():
            return str(answer)
        case Exception():
            return repr(answer)
    return answer


def _pauses(patience: Patience) -> "tuple[float, ...]":
    """Return the pauses between questions: enough of them for all the time there is."""
    more = int(patience.alone_s / patience.first_s[-1]) + patience.misses + 1
    return patience.first_s + (patience.first_s[-1],) * more
