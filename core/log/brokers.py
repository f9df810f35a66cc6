"""Which brokers answer. Source: aiokafka 0.14 for what is taken from its insides.

A broker that hangs keeps its connections: whatever was asked of it waits for ten seconds, and what is asked through
the same client waits behind it. So each broker is asked apart from all work, and a silent one is hung up on and not
connected to until it answers again.
"""

import asyncio
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Any, NamedTuple

from aiokafka.conn import CloseReason, create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from core.log.security import WATCHER, InTheClear, hanging

ANSWER_S = 2.0
AWAY_S = 0.2
FORGET_S = 600.0  # a broker that its cluster has not named for so long is not missed any more


class _Known(NamedTuple):
    """A broker that was there."""

    address: str
    host: str
    port: int
    named_at: float


class Brokers:
    """All brokers of a cluster, asked one by one through connections that nothing else goes through."""

    def __init__(self, security: Mapping[str, Any]) -> None:
        self._security = security
        self._known: dict[int, _Known] = {}  # by node id
        self._connections: dict[int, Any] = {}
        self.silent: Mapping[int, str] = {}  # node id -> address, of those that did not answer last time
        self.refused = ""  # why one of them was not asked at all: what was said could be read on its way

    def __len__(self) -> int:
        return len(self._known)

    async def ask(self, named: Iterable[Any]) -> None:
        """Find out which are silent. `named`: those that the cluster names, as aiokafka has them."""
        now, self.refused = monotonic(), ""
        for one in named:
            self._known[one.nodeId] = _Known(f"{one.host}:{one.port}", one.host, one.port, now)
        self._known = {node: one for node, one in self._known.items() if now - one.named_at < FORGET_S}
        answers = await asyncio.gather(*(self._answers(node, one) for node, one in self._known.items()))
        known = zip(self._known.items(), answers, strict=True)
        self.silent = {node: one.address for (node, one), answers in known if not answers}
        hanging.difference_update((one.host, one.port) for one in self._known.values())
        hanging.update((one.host, one.port) for node, one in self._known.items() if node in self.silent)

    async def close(self) -> None:
        """Hang up."""
        hanging.difference_update((one.host, one.port) for one in self._known.values())
        for node in list(self._connections):
            self._hang_up(node)

    async def _answers(self, node: int, one: _Known) -> bool:
        try:
            async with asyncio.timeout(ANSWER_S):
                held = self._connections.get(node)
                if held is None or not held.connected() or (held.host, held.port) != (one.host, one.port):
                    self._hang_up(node)
                    held = await create_conn(one.host, one.port, client_id=WATCHER, **self._security)
                    self._connections[node] = held
                await held.send(MetadataRequest([], allow_auto_topic_creation=False))
        except (KafkaError, OSError) as error:  # OSError includes TimeoutError
            if isinstance(error, InTheClear):
                self.refused = str(error)
            self._hang_up(node)
            return False
        return True

    def _hang_up(self, node: int) -> None:
        if (held := self._connections.pop(node, None)) is not None:
            held.close(reason=CloseReason.SHUTDOWN)


def patience_s(client: Any, usual_s: float) -> float:
    """Return how long a farewell may take: to brokers that are known to be away, hardly any time."""
    brokers = client.cluster.brokers()
    away = bool(brokers) and all((one.host, one.port) in hanging for one in brokers)
    return min(usual_s, AWAY_S) if away else usual_s


def hang_up(client: Any, nodes: Iterable[int]) -> None:
    """Let all that waits in `client` for these brokers fail at once, so that it is tried again elsewhere."""
    silent = set(nodes)
    for (node, _group), connection in list(client._conns.items()):
        if node in silent:
            connection.close(reason=CloseReason.CONNECTION_TIMEOUT)
