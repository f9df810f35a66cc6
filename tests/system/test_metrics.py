"""What Prometheus gets of a running daemon."""

import signal
import socket
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.system.desk import DeskProcess, arbdesk
from tests.waiting import eventually


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def scraped(port: int) -> dict[tuple[str, tuple[str, ...]], float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return {(s.name, tuple(s.labels.values())): s.value for family in families for s in family.samples}


def offered(port: int) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return the figures once a tick was offered to the log; before that, none."""
    figures = scraped(port)
    return figures if figures["arbdesk_ticks_offered_total", ()] else {}


def test_figures_are_served_on_loopback_and_agree_with_the_summary(tmp_path: Path) -> None:
    port = free_port()
    with DeskProcess(["demo", "--no-ui", "--rate", "500", "--metrics-port", str(port)], tmp_path) as desk:
        for venue in ("binance", "bybit", "okx"):
            desk.wait_for(f"{venue}: connected")
        seen = eventually(lambda: offered(port))
        desk.signal(signal.SIGTERM)
        ticks = desk.summary()["ticks"]
    assert 0 < seen["arbdesk_ticks_offered_total", ()] <= ticks["offered"]
    assert 0 <= seen["arbdesk_snapshot_age_seconds", ()] < 10
    assert {name: seen["arbdesk_venue_up", (name,)] for name in ("binance", "bybit", "okx")} == {
        "binance": 1,
        "bybit": 1,
        "okx": 1,
    }
    buckets = [
        value for (name, labels), value in seen.items() if name == "arbdesk_stage_seconds_bucket" and "detect" in labels
    ]
    assert buckets == sorted(buckets)


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = arbdesk("demo", "--no-ui", "--for", "5s", "--metrics-port", port, home=tmp_path)
    assert ended.returncode == 2
    assert f"arbdesk: metrics_port = {port}: " in ended.stderr
    assert "Choose another port." in ended.stderr
    assert "Traceback" not in ended.stderr
