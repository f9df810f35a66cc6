"""HTTP/1.1 as far as what is simulated needs it: one request at a time on a connection that stays."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import orjson

HOST = "127.0.0.1"
MOST_BODY = 2**20


class Request(msgspec.Struct, frozen=True):
    """What a client asked for. Names of headers are in small letters."""

    method: str
    path: str
    query: str  # as it was sent, without the question mark
    headers: Mapping[str, str]
    body: bytes

    @property
    def parameters(self) -> dict[str, str]:
        """Return what a form or the query holds; those of the body count most."""
        form = self.body.decode("utf-8", "replace") if "json" not in self.headers.get("content-type", "") else ""
        return dict(parse_qsl(self.query, keep_blank_values=True) + parse_qsl(form, keep_blank_values=True))

    @property
    def json(self) -> Any:
        """Return the body's value; an empty table if it is no JSON."""
        with contextlib.suppress(orjson.JSONDecodeError):
            return orjson.loads(self.body)
        return {}


class Reply(msgspec.Struct, frozen=True):
    """What is answered, as JSON if `headers` do not say otherwise. `pause_s`: before each byte of the body."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}
    pause_s: float = 0.0


def json_reply(content: object, status: int = 200, **headers: str) -> Reply:
    return Reply(status, orjson.dumps(content), headers)


class Dropped(Exception):
    """The connection ends here. `rest` is what is still written before."""

    def __init__(self, rest: bytes = b"") -> None:
        self.rest = rest
        super().__init__("dropped")


def written(reply: Reply) -> bytes:
    """Return the bytes of a whole response."""
    headers = {"Content-Type": "application/json;charset=utf-8", "Date": formatdate(usegmt=True), **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} X", f"Content-Length: {len(reply.body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body


@contextlib.asynccontextmanager
async def serving(answer: Callable[[Request], Awaitable[Reply]], port: int = 0) -> AsyncIterator[int]:
    """Answer requests as long as the context lasts; yields the port. `answer` may raise Dropped."""
    clients: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        clients[writer] = task
        try:
            with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                while True:
                    request = await _read(reader)
                    await _write(writer, await answer(request))
        except Dropped as dropped:
            writer.write(dropped.rest)
            with contextlib.suppress(OSError):
                await writer.drain()
        except asyncio.CancelledError:
            pass  # the server is closing, and nobody waits for this task
        finally:
            clients.pop(writer, None)
            writer.close()

    server = await asyncio.start_server(serve, HOST, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer, task in list(clients.items()):
            writer.transport.abort()
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await server.wait_closed()


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    response = written(reply)
    if reply.pause_s:
        writer.write(response[: -len(reply.body)])
        for at in range(-len(reply.body), 0):
            await writer.drain()
            await asyncio.sleep(reply.pause_s)
            writer.write(response[at : at + 1 or None])
    else:
        writer.write(response)
    await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    length = int(headers.get("content-length", "0"))
    if length > MOST_BODY:
        raise ValueError("too long")
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, await reader.readexactly(length))
