"""One connection of a client to a simulated venue."""

from collections import deque

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

BACKLOG_BYTES = 256 * 1024  # a client with more than this waiting loses frames
TEXT, BINARY = 0x81, 0x82  # the first byte of a whole message


def websocket_frame(first_byte: int, payload: bytes) -> bytes:
    """Return one unfragmented, unmasked frame, as RFC 6455 (5.2) wants it from a server."""
    size = len(payload)
    if size < 126:
        return bytes((first_byte, size)) + payload
    return bytes((first_byte, 126)) + size.to_bytes(2, "big") + payload


class Client:
    """One connection.

    Frames of quotes are collected and written straight to its transport, once per slot: they are whole frames, so they
    may stand between those that the library writes, and thousands a second cost a tenth of `send`.
    """

    def __init__(self, connection: ServerConnection, form: str, connection_id: str) -> None:
        self.connection, self.form, self.connection_id = connection, form, connection_id
        self.symbols: set[str] = set()
        self.heard: deque[int] = deque(maxlen=8)  # when its last requests came
        self.active_ns = 0  # when either side last said something
        self.word_ns = 0  # when the client last did
        self.beat_ns = 0  # when it was last sent a heartbeat
        self.new: set[str] = set()  # symbols of which nothing was said yet
        self._waiting: list[bytes] = []

    @property
    def takes(self) -> bool:
        """Whether a frame that is handed over is going to be written."""
        return self._open and self.connection.transport.get_write_buffer_size() <= BACKLOG_BYTES

    @property
    def _open(self) -> bool:
        return self.connection.state is State.OPEN

    def put(self, frame: bytes) -> None:
        self._waiting.append(frame)

    def held_back(self) -> list[bytes]:
        """Return the frames that wait, which wait here no longer."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def flush(self, now_ns: int) -> tuple[int, int]:
        """Write what waits; return how many frames were written, and how many dropped because too many wait."""
        waiting = self.held_back()
        if not self.takes:
            return 0, len(waiting) if self._open else 0
        self.connection.transport.write(b"".join(waiting))
        self.active_ns = now_ns
        return len(waiting), 0
