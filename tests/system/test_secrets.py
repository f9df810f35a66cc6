"""Everything at DEBUG, every fault, a gateway that repeats the key it is shown, a crash: no secret is anywhere."""

import base64
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import quote

from tests.system.desk import DeskProcess
from tests.system.terminal import Terminal

PART = 12  # so much of a secret in a row is a secret, too


class EchoServer(ThreadingHTTPServer):
    """Remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.seen = set[str]()
        self.asked = threading.Event()


class Echo(BaseHTTPRequestHandler):
    """Complains about the key, and repeats it in every place that a client may look at."""

    def answer(self, good: bytes = b"", status: int = 0) -> None:
        shown = self.headers.get("Authorization", "").removeprefix("Bearer ")
        assert isinstance(self.server, EchoServer)
        self.server.seen.add(shown)
        body = b'{"error": {"message": "Incorrect API key provided: %s", "code": "%s"}}' % ((shown.encode(),) * 2)
        self.send_response(status or (400 if self.command == "POST" else 401), f"bad key {shown}")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(good or body)))
        self.send_header("X-Request-Id", shown)
        self.end_headers()
        self.wfile.write(good or body)

    def do_GET(self) -> None:
        if self.path.startswith("/refused"):
            self.answer()
        else:
            self.answer(b'{"object": "list", "data": []}', 200)

    def do_POST(self) -> None:
        assert isinstance(self.server, EchoServer)
        self.server.asked.set()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def echoing() -> Iterator[tuple[str, set[str], threading.Event]]:
    with EchoServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", server.seen, server.asked
        finally:
            server.shutdown()
            thread.join()


def written(secret: str) -> list[bytes]:
    """Return the ways in which a secret may have been written down."""
    raw = secret.encode()
    ways = [raw, base64.b64encode(raw).rstrip(b"="), raw.hex().encode(), quote(secret, safe="").encode()]
    return [part for way in ways for part in (way[:PART], way[-PART:])]


def test_no_secret_is_in_logs_journal_events_screens_or_what_a_crash_leaves(tmp_path: Path) -> None:
    hidden = {name: secrets.token_hex(20) for name in ("gateway", "kafka", "key", "secret", "passphrase")}
    operator = base64.b64encode(secrets.token_bytes(32)).decode()
    env = {
        "HOLYSHEEP_API_KEY": hidden["gateway"],
        "ARBDESK_OPERATOR_KEYS": f"ana-0001:{operator}",
        "ARBDESK_LOG__SECURITY__USER": "desk",
        "ARBDESK_LOG__SECURITY__PASSWORD": hidden["kafka"],
        "ARBDESK_OKX_KEY": hidden["key"],
        "ARBDESK_OKX_SECRET": hidden["secret"],
        "ARBDESK_OKX_PASSPHRASE": hidden["passphrase"],
        "ARBDESK_VERBOSE": "true",
        "PYTHONFAULTHANDLER": "1",
        "PYTHONASYNCIODEBUG": "0",
    }
    told = bytearray()
    with echoing() as (url, seen, asked):
        demo = ["demo", "--crossings", "10", "--fault", "all", "--rate", "1000", "--gateway-url"]
        daemon = [
            *demo,
            f"{url}/v1",
            "--no-ui",
            "--approval",
            "auto",
            "--operators",
            str(operators(tmp_path, operator)),
        ]
        screens = {**env, "XDG_DATA_HOME": str(tmp_path / "screen"), "XDG_CONFIG_HOME": str(tmp_path / "screen")}
        with DeskProcess(daemon, tmp_path, env) as desk, Recorder([*demo, f"{url}/refused"], env=screens) as console:
            console.wait_for("venues 3/3")
            console.type("a3z")
            console.wait_for("a person must act")  # a key that is refused
            console.wait_for(lambda _: asked.is_set())
            desk.wait_for("armed: approved trades leave the desk")
            desk.signal(signal.SIGABRT)  # as a crash does: the interpreter writes down where it was
            desk.process.wait(20)
            assert desk.process.stdout is not None
            told += desk.process.stdout.read().encode()
            console.type("q")
            console.type("y")
            console.exit_code()
            told += console.seen
        told += repr((desk.lines, desk.other)).encode()
        assert "Fatal Python error" in "".join(desk.other)
        assert any(line["level"] == "debug" for line in desk.lines)
        assert seen == {hidden["gateway"]}  # it was really sent, and came back
    kafka = ["run", "--no-ui", "--log", "kafka", "--bootstrap", "127.0.0.1:1"]
    with DeskProcess(kafka, tmp_path, {**env, "ARBDESK_LOG__SECURITY__PROTOCOL": "SASL_SSL"}) as failing:
        assert failing.process.wait(60) != 0
    told += repr((failing.lines, failing.other)).encode()
    files = [file for file in tmp_path.rglob("*") if file.is_file() and file.name != "operators.keys"]
    assert {"demo.sqlite", "demo.log"} <= {file.name for file in files}
    for file in files:
        told += file.read_bytes()
    found = {
        name: bytes(told[told.index(way) - 200 : told.index(way) + 60])
        for name, secret in {**hidden, "operator": operator}.items()
        for way in written(secret)
        if way in told
    }
    assert found == {}


def operators(folder: Path, secret: str) -> Path:
    file = folder / "operators.keys"
    file.write_text(f"ana-0001 {secret}\n")
    file.chmod(0o600)
    return file


class Recorder(Terminal):
    """A terminal that keeps every picture that was on it."""

    seen = b""

    def __enter__(self) -> Self:
        return self

    def read(self, seconds: float) -> bool:
        before = self.text
        goes_on = super().read(seconds)
        if self.text != before:
            self.seen += self.text.encode()
        return goes_on
