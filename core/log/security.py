"""How the desk and the brokers prove who they are, and what went wrong when they did not."""

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from aiokafka.conn import AIOKafkaConnection, collect_hosts
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from pydantic import SecretStr

from core.errors import ConfigurationError, LogUnavailable
from core.settings import LogSettings, SecuritySettings

PLAINTEXT: Mapping[str, Any] = MappingProxyType({})  # what aiokafka does when told nothing

START = 'Start the brokers and create the topics (`arbdesk topics --create`), or set log.kind = "memory".'
SPEAK_TLS = 'If it expects TLS, set log.security.protocol = "SASL_SSL" (or "SSL" where certificates name the clients).'
SPEAK_PLAIN = "Name the port where it speaks TLS (log.bootstrap), or set another log.security.protocol."
SIGN_IN = "Check log.security.user, log.security.password and log.security.mechanism."
USE_TLS = 'Set it to "SASL_SSL" or "SSL", or, where the network is safe, log.security.allow_plaintext = true.'
CLIENT_CERTIFICATE = "If it asks for a certificate of ours, set log.security.cert and log.security.key."

HANG_UP_S = 0.5
CONNECT_S = 3.0  # TLS and sign-in included
WATCHER = "arbdesk-watch"  # who connects to see whether a broker answers again

hanging: set[tuple[str, int]] = set()  # brokers that take connections and say nothing (core.log.brokers)


class _Secret(str):
    """A password that shows itself to nobody who prints what it is part of."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class _Permitted(str):
    """A protocol without TLS that the user allowed beyond this machine."""

    __slots__ = ()


class InTheClear(KafkaConnectionError):
    """A broker would have been told in the clear what is for nobody else."""

    def __str__(self) -> str:
        return str(self.args[0])  # without the name of the class, which aiokafka puts before it


def secured(log: LogSettings) -> dict[str, Any]:
    """Return what a producer, a consumer and an administrator alike need to be told, as aiokafka names it.

    Raises:
        ConfigurationError: a file cannot be used, or what is sent could be read and changed on its way.
    """
    security = log.security
    told: dict[str, Any] = {"security_protocol": security.protocol}
    if security.protocol.endswith("SSL"):
        told["ssl_context"] = _context(security)
    elif security.allow_plaintext:
        told["security_protocol"] = _Permitted(security.protocol)
    elif beyond := _beyond_loopback(log.bootstrap):
        raise ConfigurationError(
            f"Kafka at {beyond} is on another machine", why=_readable(security.protocol), do=USE_TLS
        )
    if security.protocol.startswith("SASL"):
        told |= {
            "sasl_mechanism": security.mechanism,
            "sasl_plain_username": security.user,
            "sasl_plain_password": _Secret(_open(security.password)),
        }
    return told


def refusal(bootstrap: str, error: Exception, security: Mapping[str, Any]) -> LogUnavailable:
    """Return why Kafka cannot be used, and what to do. The words of the other side are not repeated."""
    reason = _best(_attempts.get([]), error)
    tls = "SSL" in security.get("security_protocol", "")
    why, do = str(reason) or repr(reason), START
    if isinstance(reason, InTheClear):
        do = USE_TLS
    elif isinstance(reason, ssl.SSLCertVerificationError):
        why = f"its certificate is not accepted: {reason.verify_message}"
        do = "Set log.security.ca to the authority that signed it, and log.bootstrap to the names that it bears."
    elif isinstance(reason, ssl.SSLError):
        why, do = f"TLS failed: {reason.reason or 'no reason given'}", f"{SPEAK_PLAIN} {CLIENT_CERTIFICATE}"
    elif isinstance(reason, SaslAuthenticationFailed):
        why, do = "it refused the user or the password", SIGN_IN
    elif isinstance(reason, UnsupportedSaslMechanismError | IllegalSaslStateError):
        why, do = f"it does not take {security.get('sasl_mechanism')} there", SIGN_IN
    elif isinstance(reason, ConnectionResetError) or (
        type(reason) is KafkaConnectionError and "closed" in str(reason)  # aiokafka's only word for a hang-up
    ):
        why = "it hung up before it answered"
        do = f"{SPEAK_PLAIN} {CLIENT_CERTIFICATE}" if tls else SPEAK_TLS
    elif isinstance(reason, socket.gaierror):
        why, do = "no machine of that name is known here", "Look at the addresses (log.bootstrap)."
    elif isinstance(reason, KafkaConnectionError | OSError):
        why = "no broker answers"
    elif isinstance(reason, NodeNotReadyError):  # its words name now this node, now that one
        why, do = "a broker that is needed does not answer", "Look after the brokers; a desk that runs tries again."
    return LogUnavailable(f"Kafka at {bootstrap} cannot be used", why=why, do=do)


def listen_for_reasons() -> None:
    """Remember why the attempts of this task to connect fail; aiokafka tells only its log.

    The log itself stays silent: it would have a hundred lines a second while brokers are away.
    """
    log = logging.getLogger("aiokafka")
    log.setLevel(logging.WARNING)
    log.propagate = False
    log.addHandler(_memory)  # once, however often it is added
    _attempts.set([])


class _Memory(logging.Handler):
    """Keeps the errors that a line is about, for the task in which it was written."""

    def emit(self, record: logging.LogRecord) -> None:
        attempts = _attempts.get(None)
        if attempts is not None and isinstance(record.args, tuple) and record.args:
            if isinstance(record.args[-1], Exception):
                attempts.append(record.args[-1])
            del attempts[:-8]  # a task may live for long


_memory = _Memory(logging.WARNING)
_attempts: ContextVar[list[Exception]] = ContextVar("attempts")


def _best(attempts: list[Exception], error: Exception) -> Exception:
    """Return what says most: a broker that answered and refused before one that did not answer."""
    if isinstance(error, KafkaConnectionError | NodeNotReadyError | OSError):
        for attempt in attempts:
            if isinstance(attempt, InTheClear):
                return attempt
    if not isinstance(error, KafkaConnectionError | OSError):
        return error
    for kind in (ssl.SSLError, KafkaError, ConnectionResetError):
        for attempt in attempts:
            if isinstance(attempt, kind):
                return attempt
    return attempts[-1] if attempts else error


def _context(security: SecuritySettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=security.ca)
    except (OSError, ValueError) as error:  # OSError includes SSLError
        raise ConfigurationError(
            f"log.security.ca: {security.ca}", why=_why(error), do="Name a PEM file of certificates."
        ) from None
    if security.cert is not None:
        try:
            # A function: without one, OpenSSL would ask for the password on the terminal.
            context.load_cert_chain(security.cert, security.key, lambda: _open(security.key_password))
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"log.security.cert: {security.cert}",
                why=_why(error),
                do="Name PEM files that belong together in log.security.cert and log.security.key, "
                "and the password of the key, if it has one, in log.security.key_password.",
            ) from None
    return context


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "it cannot be read as PEM with that password"
    return (error.strerror if isinstance(error, OSError) else "") or "it cannot be used"


def _open(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret is not None else ""


def _beyond_loopback(bootstrap: str) -> str:
    """Return the first address that is not this machine."""
    try:
        hosts = collect_hosts(bootstrap, randomize=False)
    except ValueError:
        return ""  # no address at all: whoever connects tells
    return next((host for host, _port, _family in hosts if not _loopback(host)), "")


def _readable(protocol: str) -> str:
    return f'log.security.protocol = "{protocol}" would let anybody on the way read and change ticks'


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _connect(connection: Any) -> Any:
    """Connect in time, and not to a broker that is known to hang: meanwhile its client makes no other connection.

    Nor in the clear beyond this machine: a broker on it names the others, and itself, by whatever address it is set to
    (advertised.listeners). Where it fails halfway, aiokafka hangs up and does not wait for the end of it, which TLS
    needs.
    """
    protocol = connection._security_protocol
    if "SSL" not in protocol and not isinstance(protocol, _Permitted) and not _loopback(connection.host):
        at = f"{connection.host}:{connection.port}"
        raise InTheClear(f"its broker {at} is on another machine, and {_readable(protocol)}")
    if (connection.host, connection.port) in hanging and connection._client_id != WATCHER:
        raise KafkaConnectionError(f"{connection.host}:{connection.port} hangs")
    try:
        async with asyncio.timeout(CONNECT_S):
            return await _asyncio_connect(connection)
    except Exception:
        if connection._protocol is not None:
            await asyncio.wait({connection._closed_fut}, timeout=HANG_UP_S)
        raise


_asyncio_connect = AIOKafkaConnection.connect
AIOKafkaConnection.connect = _connect
