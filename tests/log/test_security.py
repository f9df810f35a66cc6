"""Brokers that ask who we are, on a real cluster: the right answer works, and each wrong one is told."""

import asyncio
import json
import logging
import socket
import ssl
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.structs import BrokerMetadata
from pydantic import SecretStr

from core.errors import ConfigurationError, LogUnavailable
from core.loading import load
from core.log.brokers import Brokers
from core.log.kafka import KafkaLog
from core.log.security import refusal, secured
from core.log.topics import TICKS, administrator, check, create, metadata
from core.settings import LogSettings, SecuritySettings
from tests.kafka_cluster import cluster
from tests.kafka_dist import ClusterFailed, Users
from tests.log.advertised import broker_known_as
from tests.log.certificates import authority, signed
from tests.log.entries import take, tick

PASSWORD = "open-sesame-4711"
WRONG = "not-the-word-1234"
KEY_PASSWORD = "turn-the-key-0815"


class Guarded:
    """A cluster that asks who we are, and what we may answer."""

    def __init__(self, users: str, tls: str, directory: Path) -> None:
        self.users, self.tls, self.directory = users, tls, directory

    def settings(self, **security: Any) -> LogSettings:
        given = {
            "protocol": "SASL_SSL",
            "user": "alice",
            "password": PASSWORD,
            "ca": self.directory / "authority.pem",
            **security,
        }
        at = self.tls if given["protocol"] == "SSL" else self.users
        return LogSettings(kind="kafka", bootstrap=at, replication_factor=1, security=SecuritySettings(**given))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    directory = tmp_path_factory.mktemp("certificates")
    by = authority(directory, "authority")
    authority(directory, "stranger")
    certificate, key = signed(by, "broker")
    keys = directory / "broker-keys.pem"
    keys.write_text(key.read_text() + certificate.read_text())
    signed(by, "desk", password=KEY_PASSWORD)
    try:
        with cluster(nodes=1, users=Users("alice", PASSWORD, keys, by)) as started:
            yield Guarded(started.users, started.tls, directory)
    except ClusterFailed as error:
        pytest.fail(str(error), pytrace=False)


def opened(settings: LogSettings) -> KafkaLog:
    return KafkaLog(settings.bootstrap, settings.topic, capacity=100, security=secured(settings))


@pytest.mark.apache_kafka
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512", "certificate"])
async def test_who_proves_who_he_is_creates_topics_writes_and_reads(
    guarded: Guarded, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = guarded.settings(mechanism=mechanism) if mechanism != "certificate" else by_certificate(guarded)
    with caplog.at_level(logging.DEBUG):
        async with asyncio.timeout(15):
            await create(settings, [TICKS])
            assert await check(settings, [TICKS]) == []
            async with opened(settings) as log, log.reader() as reader:
                log.append(tick(1))
                assert await take(1, reader) == [tick(1)]
    assert_hidden(caplog.text, repr(settings), repr(secured(settings)), str(settings.model_dump()))


def by_certificate(guarded: Guarded) -> LogSettings:
    desk = guarded.directory / "desk.pem"
    return guarded.settings(protocol="SSL", cert=desk, key=desk.with_suffix(".key"), key_password=KEY_PASSWORD)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"password": WRONG, "mechanism": "PLAIN"}, r"refused the user or the password.*log\.security\.password"),
        ({"password": WRONG}, r"refused the user or the password.*log\.security\.password"),
        ({"user": "mallory"}, r"refused the user or the password.*log\.security\.user"),
        ({"mechanism": "SCRAM-SHA-256"}, r"does not take SCRAM-SHA-256.*log\.security\.mechanism"),
        ({"ca": "stranger.pem"}, r"certificate is not accepted: .*log\.security\.ca"),
        ({"ca": None}, r"certificate is not accepted: .*log\.security\.ca"),
        ({"protocol": "PLAINTEXT"}, r"hung up.*If it expects TLS"),
        ({"protocol": "SASL_PLAINTEXT"}, r"hung up.*If it expects TLS"),
        ({"protocol": "SSL"}, r"log\.security\.cert"),
    ],
)
@pytest.mark.apache_kafka
async def test_each_wrong_answer_is_told_in_one_line_in_time_without_the_password(
    guarded: Guarded, wrong: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    if wrong.get("ca"):
        wrong = wrong | {"ca": guarded.directory / wrong["ca"]}
    settings = guarded.settings(**wrong)
    with caplog.at_level(logging.DEBUG):
        for attempt in (open_log, check):
            began = time.monotonic()
            with pytest.raises(LogUnavailable, match=why) as caught:
                await attempt(settings)
            assert time.monotonic() - began < 6
            assert "\n" not in str(caught.value)
            told = "".join(traceback.format_exception(caught.value))
            assert_hidden(caplog.text, told, repr(caught.value), repr(settings))


async def open_log(settings: LogSettings) -> None:
    async with opened(settings):
        pass


async def test_tls_to_a_port_that_does_not_speak_it_is_told(kafka: str) -> None:
    security = SecuritySettings(protocol="SASL_SSL", user="alice", password=SecretStr(PASSWORD))
    with pytest.raises(LogUnavailable, match=r"Name the port where it speaks TLS"):
        await check(LogSettings(kind="kafka", bootstrap=kafka, security=security))


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT"])
@pytest.mark.parametrize("host", ["192.0.2.7", "kafka.example.com", "[2001:db8::7]", "127.0.0.1:9092,192.0.2.7"])
async def test_nothing_is_sent_in_the_clear_beyond_this_machine_unless_it_is_allowed(protocol: str, host: str) -> None:
    security = {"protocol": protocol, "user": "alice", "password": PASSWORD}
    settings = LogSettings(bootstrap=f"{host}:9092", security=SecuritySettings.model_validate(security))
    for attempt in (check, create):
        with pytest.raises(ConfigurationError, match=r"log\.security\.allow_plaintext") as caught:
            await attempt(settings)
        assert "\n" not in str(caught.value)
    allowed = SecuritySettings.model_validate(security | {"allow_plaintext": True})
    assert secured(settings.model_copy(update={"security": allowed}))["security_protocol"] == protocol


async def test_a_broker_here_that_names_itself_by_an_address_beyond_is_not_spoken_to_in_the_clear() -> None:
    async with asyncio.timeout(20), broker_known_as("0.0.0.0") as here:  # leads here, and does not look like it
        settings = LogSettings(kind="kafka", bootstrap=f"127.0.0.1:{here.port}")
        with pytest.raises(LogUnavailable, match=rf"broker 0\.0\.0\.0:{here.port} is on another machine") as caught:
            async with administrator(settings.bootstrap, secured(settings)) as admin:
                await metadata(admin, [])
        assert "log.security.allow_plaintext" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert here.connections == 1  # to ask it who it is
        watch = Brokers(secured(settings))
        await watch.ask([BrokerMetadata(1, "0.0.0.0", here.port, None)])
        assert (list(watch.silent), here.connections) == ([1], 1)
        assert "is on another machine" in watch.refused
        await watch.close()
        allowed = settings.model_copy(update={"security": SecuritySettings(allow_plaintext=True)})
        async with administrator(settings.bootstrap, secured(allowed)) as admin:
            assert [one["host"] for one in (await metadata(admin, []))["brokers"]] == ["0.0.0.0"]


@pytest.mark.parametrize("bootstrap", ["127.0.0.1:9092", "localhost:9092", "[::1]:9092", "127.9.9.9:1,localhost"])
def test_plaintext_on_this_machine_needs_no_permission(bootstrap: str) -> None:
    assert secured(LogSettings(bootstrap=bootstrap)) == {"security_protocol": "PLAINTEXT"}


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"ca": "missing.pem"}, r"log\.security\.ca: .*missing\.pem: No such file"),
        ({"ca": "desk.key"}, r"log\.security\.ca: .*desk\.key"),
        ({"cert": "missing.pem"}, r"log\.security\.cert: .*missing\.pem: No such file"),
        ({"cert": "desk.pem", "key": "desk.key"}, r"log\.security\.key_password"),
        ({"cert": "desk.pem", "key": "desk.key", "key_password": WRONG}, r"log\.security\.key_password"),
        ({"cert": "stranger.pem", "key": "authority.key"}, r"log\.security\.cert"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, files: dict[str, str], named: str) -> None:
    by = authority(tmp_path, "authority")
    authority(tmp_path, "stranger")
    signed(by, "desk", password=KEY_PASSWORD)
    given = {name: str(tmp_path / file) if name != "key_password" else file for name, file in files.items()}
    settings = LogSettings(security=SecuritySettings.model_validate({"protocol": "SSL", **given}))
    with pytest.raises(ConfigurationError, match=named) as caught:
        secured(settings)
    assert "\n" not in str(caught.value)
    assert_hidden("".join(traceback.format_exception(caught.value)))


def test_the_password_comes_from_the_environment_or_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "arbdesk.toml"
    file.write_text(f'[log.security]\nprotocol = "SASL_SSL"\nuser = "alice"\npassword = "{WRONG}"\n')
    assert secured(load(file, {}).log)["sasl_plain_password"] == WRONG
    monkeypatch.setenv("ARBDESK_LOG__SECURITY__PASSWORD", PASSWORD)
    settings = load(file, {})
    told = secured(settings.log)
    assert told["sasl_plain_password"] == PASSWORD
    assert told["ssl_context"].check_hostname
    assert told["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert_hidden(repr(settings), str(settings), repr(told), f"{told}", json.dumps(settings.model_dump(mode="json")))


@pytest.mark.parametrize(
    "mistake",
    [
        f'protocol = "SASL_SSL"\npassword = "{PASSWORD}"',
        f'protocol = "TLS"\nuser = "alice"\npassword = "{PASSWORD}"',
        f'passwort = "{PASSWORD}"',
        f'password = ["{PASSWORD}"]',
        f'key = "k"\nkey_password = "{PASSWORD}"',
        f'password = "{PASSWORD}',
        f'password = "{PASSWORD}"\npassword = "{PASSWORD}"',
    ],
)
def test_a_mistake_beside_the_password_does_not_show_it(tmp_path: Path, mistake: str) -> None:
    file = tmp_path / "arbdesk.toml"
    file.write_text(f"[log.security]\n{mistake}\n")
    with pytest.raises(ConfigurationError) as caught:
        load(file, {})
    assert_hidden("".join(traceback.format_exception(caught.value)))
    file.write_text(f'[log]\nsecurity = "{PASSWORD}"\n')
    with pytest.raises(ConfigurationError) as caught:
        load(file, {})
    assert_hidden("".join(traceback.format_exception(caught.value)))


def test_a_name_that_nobody_knows_is_told_apart_from_a_machine_that_does_not_answer() -> None:
    unknown = refusal("nobody:9092", socket.gaierror(-2, "Name or service not known"), {})
    assert str(unknown).endswith("no machine of that name is known here. Look at the addresses (log.bootstrap).")
    assert "no broker answers" in str(refusal("nobody:9092", ConnectionRefusedError(), {}))


def test_a_password_that_is_a_number_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "arbdesk.toml"
    file.write_text("[log.security]\npassword = 47114711\n")
    with pytest.raises(ConfigurationError, match="password") as caught:
        load(file, {})
    assert "4711" not in "".join(traceback.format_exception(caught.value))


def assert_hidden(*texts: str) -> None:
    for text in texts:
        for secret in (PASSWORD, WRONG, KEY_PASSWORD):
            assert secret not in text
