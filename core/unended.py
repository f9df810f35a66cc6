"""Trades that the desks of a group claimed and whose end nobody has told: what came of them is not known."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from core.events import Event
from core.execution.journal import ORDER_ENDED, TRADE_ENDED
from core.execution.orders import Fate, Fill, Order, Outcome

OVERDUE_S = 100.0  # asking about an order and hedging take no longer: by then its desk has spoken, or is gone
LOOK_BACK_S = 7 * 86_400.0  # so far back a desk that starts reads what was claimed; a million events take about 2 s
PROVEN = frozenset({"flat", "dust", "signed"})  # how a trade ends; "manual" only says that a person was given it
REMEMBERED = 4_096  # newest ends, newest fates of orders, and routes with their newest claim

K = TypeVar("K")
T = TypeVar("T")


class Intent(msgspec.Struct, frozen=True, tag="intent"):
    """A claim as it is written on `arbitrage-events`, as JSON, key = trade id."""

    at_ns: int
    desk: str
    group: str
    run: str
    trade_id: str
    symbol: str
    buy: str
    sell: str
    client_ids: tuple[str, ...]
    mode: str = ""
    orders: tuple[Order, ...] = ()
    accounts: Mapping[
        str, str
    ] = {}  # venue -> which account it is (core.live.keys.fingerprint); on paper there is none


class _Ending(msgspec.Struct, frozen=True):
    """What is told of an order that ended."""

    outcome: Outcome
    fills: tuple[Fill, ...] = ()
    why: str = ""


class Unended:
    """Hears `arbitrage-events`, from wherever one begins to listen, and knows what is claimed and not at its end."""

    def __init__(self, group: str | None, mode: str | None) -> None:
        """Of one group and mode; None: of all."""
        self._group, self._mode = group, mode
        self._open: dict[str, Intent] = {}  # trade id -> its claim
        self._newest: OrderedDict[tuple[str, str, str], Intent] = OrderedDict()  # by route, ended or not
        self._given: set[str] = set()  # those of them that a person at their desk was given
        self._ended: OrderedDict[str, None] = OrderedDict()  # trade ids: a claim may arrive after its trade's end
        self._endings: OrderedDict[str, _Ending] = OrderedDict()  # by client id

    def hear(self, value: bytes) -> None:
        """Take a record, whoever wrote it."""
        if b'"intent"' not in value and b' ended"' not in value:
            return  # most are about other things: not worth a decoding
        try:
            told = msgspec.json.decode(value, type=Intent | Event)
        except msgspec.DecodeError:
            return  # not of a desk's making
        if isinstance(told, Intent):
            self._claim(told)
        elif told.what == TRADE_ENDED and told.data.get("how") in PROVEN:
            self.end(told.about)
        elif told.what == TRADE_ENDED and told.about in self._open:
            self._given.add(told.about)
        elif told.what == ORDER_ENDED:
            self._end_order(told.about, told.data.get("fate"))

    def end(self, trade_id: str) -> None:
        """Hold a trade for ended."""
        self._open.pop(trade_id, None)
        self._given.discard(trade_id)
        _remember(self._ended, trade_id, None)

    def of(self, symbol: str, *, but_not: str = "") -> Intent | None:
        """Return a claim on `symbol` of another run than `but_not`, if there is one."""
        return next((one for one in self._open.values() if one.symbol == symbol and one.run != but_not), None)

    def traded(self, route: tuple[str, str, str], since_ns: int, *, but_not: str = "") -> Intent | None:
        """Return the newest claim on `route` if it was laid since then, by another run than `but_not`."""
        one = self._newest.get(route)
        return one if one is not None and one.at_ns >= since_ns and one.run != but_not else None

    def overdue(self, now_ns: int) -> tuple[Intent, ...]:
        """Return the claims whose desk should have told their end by now, the oldest first."""
        late = (one for one in self._open.values() if now_ns - one.at_ns > OVERDUE_S * 1e9)
        return tuple(sorted(late, key=lambda one: one.at_ns))

    def __len__(self) -> int:
        """How many claims there are without an end: trades in flight, and those that are overdue."""
        return len(self._open)

    def fate(self, order: Order) -> Fate | None:
        """Return how an order ended, as far as it was told; None: nobody has."""
        told = self._endings.get(order.client_id)
        return Fate(order, told.outcome, told.fills, told.why) if told is not None else None

    def line(self, one: Intent) -> str:
        """Return a claim in words: what was to be sent, and what is known of it."""
        at = datetime.fromtimestamp(one.at_ns / 1e9, UTC)
        orders = ", ".join(
            f"{order.side} {order.size.normalize():f} on {order.venue}: {self._became(order)}" for order in one.orders
        )
        gave = "gave it to a person, who has not signed it" if one.trade_id in self._given else "has not said its end"
        where = orders or f"buy on {one.buy}, sell on {one.sell}: not known"
        return f"{at:%Y-%m-%d %H:%M:%S}Z {one.trade_id} {one.symbol}, {where}; {one.desk} of {one.group} {gave}"

    def _became(self, order: Order) -> str:
        fate = self.fate(order)
        return fate.outcome.replace("_", " ") if fate is not None and fate.outcome != "unknown" else "not known"

    def _end_order(self, client_id: str, fate: object) -> None:
        try:
            ending = msgspec.convert(fate, _Ending)
        except msgspec.ValidationError:
            return  # not of a desk's making
        held = self._endings.get(client_id)
        if held is None or ending.outcome != "unknown":
            _remember(self._endings, client_id, ending)

    def _claim(self, one: Intent) -> None:
        if self._group not in (None, one.group) or self._mode not in (None, one.mode):
            return
        if one.trade_id not in self._ended:
            self._open[one.trade_id] = one
        route = (one.symbol, one.buy, one.sell)
        if (before := self._newest.get(route)) is None or before.at_ns <= one.at_ns:
            _remember(self._newest, route, one)


def _remember(held: OrderedDict[K, T], key: K, what: T) -> None:
    held[key] = what
    held.move_to_end(key)
    if len(held) > REMEMBERED:
        held.popitem(last=False)
