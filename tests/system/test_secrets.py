"""Everything at DEBUG, every fault, a gateway that repeats the key it is shown, a crash: no secret is anywhere."""

import asyncio
import base64
import re
import secrets
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import quote

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from core.live.keys import SIMULATED
from core.log.topics import COMMANDS, DESK_STATE, EVENTS
from core.remote.envelope import MAC
from tests.system.desk import DeskProcess, arbdesk
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


def written(secret: str | bytes) -> list[bytes]:
    """Return the ways in which a secret may have been written down."""
    raw = secret.encode() if isinstance(secret, str) else secret
    ways = [raw, base64.b64encode(raw).rstrip(b"="), raw.hex().encode(), quote(secret, safe="").encode()]
    return [part for way in ways for part in (way[:PART], way[-PART:])]


def shown(hidden: Mapping[str, str | bytes], told: bytes) -> dict[str, bytes]:
    """Return where in `told` a secret stands."""
    return {
        name: told[max(0, told.index(way) - 200) : told.index(way) + 60]
        for name, secret in hidden.items()
        for way in written(secret)
        if way in told
    }


def left_in(folder: Path, *besides: str) -> bytes:
    """Return all that stands in files below `folder`."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.name not in besides]
    return b"".join(file.read_bytes() for file in files)


def loud(folder: Path) -> dict[str, str]:
    """Return an environment in which every process of ours, the order gateway among them, logs all there is."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import logging\nlogging.basicConfig(level=logging.DEBUG)\nlogging.debug('all is told')\n"
    )
    return {"PYTHONPATH": str(folder), "ARBDESK_VERBOSE": "true"}


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
        demo = ["demo", "--crossings", "10", "--fault", "all", "--rate", "300", "--gateway-url"]
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
    assert {"demo.sqlite", "demo.log"} <= {file.name for file in tmp_path.rglob("*")}
    told += left_in(tmp_path, "operators.keys")
    assert shown({**hidden, "operator": operator}, bytes(told)) == {}


def test_no_secret_is_in_the_traffic_of_live_orders_that_fail_in_every_way(tmp_path: Path) -> None:
    demo = ["demo", "--live-sim", "--no-ui", "--approval", "auto", "--crossings", "20", "--order-faults", "0.5"]
    with DeskProcess([*demo, "--seed", "5"], tmp_path / "home", loud(tmp_path / "loud")) as desk:
        desk.wait_for("armed: approved trades leave the desk")
        desk.wait_for(" unknown")  # a leg whose answer was lost
        desk.signal(signal.SIGTERM)
        summary = desk.summary()
    told = repr((desk.lines, desk.other, summary)).encode() + left_in(tmp_path / "home")
    assert sum("DEBUG:root:all is told" in line for line in desk.other) >= 3  # desk, market and order gateway
    assert sum(one["sent"] for one in summary["order_gateway"]["venues"].values())
    assert shown({"key": SIMULATED.key, "secret": SIMULATED.secret, "passphrase": SIMULATED.passphrase}, told) == {}
    assert re.findall(rb"(?i)signature=|x-mbx-apikey|ok-access-sign|x-bapi-sign|bearer ey", told) == []


def test_no_secret_is_in_what_travels_through_kafka_or_in_what_is_left_at_both_ends(kafka: str, tmp_path: Path) -> None:
    made = arbdesk("topics", "--bootstrap", kafka, "--create", home=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    raw, password, name = secrets.token_bytes(32), secrets.token_hex(20), f"test-{secrets.token_hex(4)}"
    key, stranger = operators(tmp_path, base64.b64encode(raw).decode()), tmp_path / "stranger.key"
    stranger.write_text(f"eve-0002 {base64.b64encode(secrets.token_bytes(32)).decode()}\n")
    stranger.chmod(0o600)
    env = {"ARBDESK_LOG__SECURITY__USER": "desk", "ARBDESK_LOG__SECURITY__PASSWORD": password}
    elsewhere = ["--log", "kafka", "--bootstrap", kafka, "--name", name, "--operators", str(key)]
    home = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "ARBDESK_VERBOSE": "true"}
    asked = ["--bootstrap", kafka, "--desk", name, "--key"]
    told = bytearray()
    with DeskProcess(
        ["demo", "--no-ui", "--rate", "100", *elsewhere], tmp_path, {**env, **loud(tmp_path / "loud")}
    ) as desk:
        desk.wait_for("consoles elsewhere see this desk")
        with Recorder(["attach", *asked, str(key)], env={**env, **home}) as console:
            console.wait_for("DISARMED")
            console.type("a")
            console.wait_for(lambda text: re.search(r"\bARMED", text) is not None)
            console.type("q")
            console.exit_code()
            told += console.seen
        for operator in (stranger, key):
            done = arbdesk("halt", *asked, str(operator), home=tmp_path)
            told += f"{done.returncode} {done.stdout} {done.stderr}".encode()
        desk.wait_for("HALTED")
        desk.signal(signal.SIGTERM)
        told += repr(desk.summary()).encode()
    told += repr((desk.lines, desk.other)).encode() + left_in(tmp_path, "operators.keys", "stranger.key")
    records = asyncio.run(on_kafka(kafka))
    signatures = [dict(one.headers)[MAC] for one in records if one.topic == COMMANDS.name and one.key == name.encode()]
    assert len(set(signatures)) >= 2  # armed and halted by ana
    assert shown({f"signature {number}": one for number, one in enumerate(signatures)}, bytes(told)) == {}
    told += b"".join(part for one in records for part in (one.value or b"", *(value for _, value in one.headers)))
    assert shown({"operator": raw, "operator's line": base64.b64encode(raw), "password": password}, bytes(told)) == {}


async def on_kafka(bootstrap: str) -> list[ConsumerRecord]:
    """Return all that desks and consoles have said to each other there."""
    reading = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    async with asyncio.timeout(60), reading as consumer:
        places = [
            TopicPartition(topic.name, partition)
            for topic in (COMMANDS, DESK_STATE, EVENTS)
            for partition in range(topic.partitions)
        ]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        records: list[ConsumerRecord] = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            for found in (await consumer.getmany(timeout_ms=200)).values():
                records += found
        return records


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
