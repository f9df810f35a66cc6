"""Keys to the venues' accounts, for the gateway's process alone, as the library that signs wants them: plain."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from core.execution import keys
from core.live.wire import Account


class Keys(msgspec.Struct, frozen=True):
    """What signs orders on one venue."""

    key: str
    secret: str
    passphrase: str = ""

    def __repr__(self) -> str:
        return "Keys(…)"


SIMULATED = Keys("simulated-key", "simulated-secret", "simulated-passphrase")  # of venues that are worth nothing


def keys_of(venue: str, file: Path | None, environment: Mapping[str, str] = os.environ) -> Keys:
    """Return the keys of `venue` (core.execution.keys says where they may be).

    Raises:
        ConfigurationError: there are none, not all of them, or their place is open to others.
    """
    found = keys.keys_of(venue, file, environment)
    passphrase = found.passphrase.reveal() if found.passphrase is not None else ""
    return Keys(found.key.reveal(), found.secret.reveal(), passphrase)


def fingerprint(account: Account, keys: Keys) -> str:
    """Return what tells one account from another, and nothing of its keys."""
    named = f"{account.venue} {account.url} {account.sandbox} {keys.key}"
    return hashlib.sha256(named.encode()).hexdigest()[:12]
