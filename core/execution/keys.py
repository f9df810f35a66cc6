"""Keys of the accounts that orders are sent from: where they come from, and that nobody ever reads them by accident.

In this order: the environment (`ARBDESK_BINANCE_KEY`, `…_SECRET`, `…_PASSPHRASE`), a TOML file of mode 0600 with a
table for each venue, the system's keyring (`pip install 'arbdesk[keyring]'`; service "arbdesk", names like
"binance.key"). A `Secret` shows itself as *** to print, logs, tracebacks, JSON and pickle; only `reveal()` tells it.
"""

import fcntl
import hashlib
import hmac
import os
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn

import platformdirs

from core.errors import AccountHeld, ConfigurationError

Part = Literal["key", "secret", "passphrase"]
PARTS: tuple[Part, ...] = ("key", "secret", "passphrase")
HAVE_PASSPHRASE = {"okx"}
SERVICE = "arbdesk"
HIDDEN = "***"


class Secret:
    """A text that is used and never shown."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """Return the text: for a signature or a library that signs, and for nothing else."""
        return self.__text

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.__text.encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash(self.__text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


class Keys(NamedTuple):
    """What signs the orders of one account."""

    venue: str
    key: Secret
    secret: Secret
    passphrase: Secret | None
    source: str  # where they came from, in words

    @property
    def account(self) -> str:
        """A name for the account that gives nothing of the key away."""
        return f"{self.venue}-{hashlib.sha256(self.key.reveal().encode()).hexdigest()[:12]}"


def usual_file() -> Path:
    """Return where the file of keys is looked for."""
    return platformdirs.user_config_path("arbdesk") / "keys.toml"


def keys_of(venue: str, file: Path | None = None, environment: Mapping[str, str] = os.environ) -> Keys:
    """Return the keys of the account at `venue`; all parts of it come from one place. `file`: instead of the usual.

    Raises:
        ConfigurationError: there are none, not all of them, or their place is open to others; one line, and no secret.
    """
    names = {part: f"ARBDESK_{venue.upper()}_{part.upper()}" for part in PARTS}
    found = {part: environment[name] for part, name in names.items() if environment.get(name)}
    if found:
        return _complete(venue, found, "the environment", names)
    path = file or usual_file()
    if file is not None or path.exists():
        found = _from_file(venue, path)
        if found:
            return _complete(venue, found, str(path), {part: f"{venue}.{part}" for part in PARTS})
    found = _from_keyring(venue)
    if found:
        return _complete(venue, found, "the keyring", {part: f"{venue}.{part}" for part in PARTS})
    raise ConfigurationError(
        f"There are no keys for {venue}",
        why=f"neither {names['key']} in the environment, nor [{venue}] in {path}, nor {venue}.key in a keyring",
        do=f"Write {path} with mode 0600, or set {names['key']} and {names['secret']}.",
    )


def may_withdraw(venue: str, answer: Any) -> bool | None:
    """Return whether a key may take money out, by the venue's own answer about it; None: it does not tell.

    Sources, read on 2026-11-23: Binance GET /sapi/v1/account/apiRestrictions, Bybit GET /v5/user/query-api, OKX
    GET /api/v5/account/config. Upbit tells nothing of what a key may do.
    """
    match venue, answer:
        case "binance", {"enableWithdrawals": bool(may)}:
            return may
        case "bybit", {"result": {"permissions": {"Wallet": [*wallet]}}}:
            return "Withdraw" in wallet
        case "okx", {"data": [{"perm": str(perm)}, *_]}:
            return "withdraw" in perm.split(",")
        case _:
            return None


def refuse_withdrawal(keys: Keys, answer: Any) -> None:
    """Take no key that may take money out.

    Raises:
        ConfigurationError: the venue says that it may.
    """
    if may_withdraw(keys.venue, answer):
        raise ConfigurationError(
            f"The key for {keys.venue} from {keys.source} may withdraw",
            why="a desk that is broken into could be robbed with it",
            do="Make a key that may only read and trade, and take this one back.",
        )


@contextmanager
def held_accounts(accounts: Iterable[Keys], folder: Path | None = None) -> Iterator[None]:
    """Hold the accounts as long as the context lasts: no second desk of this machine may send orders from them.

    The kernel lets go of them when this process ends, however it ends.

    Raises:
        AccountHeld: another desk has one of them.
    """
    place = folder or platformdirs.user_data_path("arbdesk") / "accounts"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with ExitStack() as stack:
        for keys in accounts:
            lock = os.open(place / f"{keys.account}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            stack.callback(os.close, lock)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
                raise AccountHeld(
                    f"Another desk trades on the account {keys.account}",
                    why=f"process {holder}",
                    do="Stop it, or give this desk keys of another account.",
                ) from None
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield


def _complete(venue: str, found: Mapping[Part, str], source: str, names: Mapping[Part, str]) -> Keys:
    needed: tuple[Part, ...] = PARTS if venue in HAVE_PASSPHRASE else PARTS[:2]
    if missing := [names[part] for part in needed if not found.get(part)]:
        raise ConfigurationError(
            f"The keys for {venue} in {source} are not complete",
            why=f"{' and '.join(missing)} missing",
            do=f"{venue} needs {', '.join(needed)}.",
        )
    for part in needed:
        if not (found[part].isascii() and found[part].isprintable() and " " not in found[part]):
            raise ConfigurationError(
                f"{names[part]} in {source} is no {part}",
                why="a blank or a sign that no key has is in it",
                do="Copy it once more.",
            )
    passphrase = Secret(found["passphrase"]) if found.get("passphrase") else None
    return Keys(venue, Secret(found["key"]), Secret(found["secret"]), passphrase, source)


def _from_file(venue: str, file: Path) -> dict[Part, str]:
    try:
        with file.open("rb") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            if mode & 0o077:
                raise ConfigurationError(
                    f"{file} is open to others", why=f"its mode is {mode:04o}", do=f"chmod 600 {file}"
                )
            table = tomllib.load(opened).get(venue, {})
    except OSError as error:
        raise ConfigurationError(
            f"{file}", why=error.strerror or repr(error), do="Name a file of keys that can be read."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):  # its text would repeat what stands there
        raise ConfigurationError(
            f"{file}", why="not TOML", do=f'Write [{venue}], then key = "…" and secret = "…".'
        ) from None
    if not isinstance(table, dict) or not all(isinstance(one, str) for one in table.values()) or table.keys() - PARTS:
        raise ConfigurationError(f"{file}: [{venue}]", why=f"it may hold {', '.join(PARTS)}, as texts", do="Mend it.")
    return {part: table[part] for part in PARTS if table.get(part)}


def _from_keyring(venue: str) -> dict[Part, str]:
    """Return what the system's keyring holds; nothing where there is none."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return {}
    try:
        told = {part: keyring.get_password(SERVICE, f"{venue}.{part}") for part in PARTS}
    except KeyringError as error:
        raise ConfigurationError(
            "The keyring does not answer", why=type(error).__name__, do="Unlock it, or use a file of mode 0600."
        ) from None
    return {part: text for part, text in told.items() if text}
