"""A broker that is asked who it is, and names another address than that under which it was found.

Source: Kafka protocol, ApiVersions v0 and Metadata v0; aiokafka 0.14 for how they are written.
"""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.protocol.admin import ApiVersionResponse_v0
from aiokafka.protocol.metadata import MetadataResponse_v0

METADATA, API_VERSIONS = 3, 18


class Advertised:
    """Answers two questions, and counts who comes."""

    def __init__(self, host: str) -> None:
        self.host, self.port = host, 0
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    (size,) = struct.unpack(">i", await reader.readexactly(4))
                    api, _version, number = struct.unpack(">hhi", (await reader.readexactly(size))[:8])
                    answer = struct.pack(">i", number) + self._answer(api)
                    writer.write(struct.pack(">i", len(answer)) + answer)
                    await writer.drain()
        finally:
            writer.close()

    def _answer(self, api: int) -> bytes:
        if api == API_VERSIONS:
            versions: bytes = ApiVersionResponse_v0(0, [(METADATA, 0, 0), (API_VERSIONS, 0, 0)]).encode()
            return versions
        assert api == METADATA
        named: bytes = MetadataResponse_v0([(1, self.host, self.port)], []).encode()
        return named


@asynccontextmanager
async def broker_known_as(host: str) -> AsyncIterator[Advertised]:
    """Be a broker on a port of this machine that says it is to be reached at `host`, on the same port."""
    broker = Advertised(host)
    async with await asyncio.start_server(broker.serve, "127.0.0.1", 0) as server:
        broker.port = server.sockets[0].getsockname()[1]
        yield broker
