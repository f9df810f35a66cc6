"""ccxt, as much of it as the accounts here need: its packages would load a hundred venues, which takes seconds.

Both packages are put in place with the names that the library asks them for itself. A version that asks for more is
loaded whole. Source: ccxt 4.5.90, as installed.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGES = ("ccxt", "ccxt.async_support")


def exchange_class(venue: str) -> Any:
    """Return ccxt's class of `venue`.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        place()
        return getattr(import_module(f"ccxt.async_support.{venue}"), venue)
    except (ImportError, AttributeError):
        _forget()
        return getattr(import_module("ccxt.async_support"), venue)


def base_error() -> type[Exception]:
    """Return the class of all that ccxt raises. Raises ModuleNotFoundError: it is not installed."""
    place()
    error: type[Exception] = import_module("ccxt.base.errors").BaseError
    return error


def place() -> None:
    """Put the packages in place, unless they are there.

    Raises:
        ModuleNotFoundError: ccxt is not installed.
    """
    if PACKAGES[0] in sys.modules:
        return
    spec = find_spec(PACKAGES[0])
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'ccxt'", name=PACKAGES[0])
    folder = Path(spec.origin).parent
    for name, path in zip(PACKAGES, (folder, folder / "async_support"), strict=True):
        package = sys.modules[name] = ModuleType(name)
        package.__path__ = [str(path)]
    whole, part = (sys.modules[name] for name in PACKAGES)
    vars(whole).update(vars(import_module("ccxt.base.errors")), async_support=part)
    vars(whole)["Exchange"] = import_module("ccxt.base.exchange").Exchange


def _forget() -> None:
    """Let the packages be loaded as they are; what was loaded of them stays, its error classes above all."""
    for name in PACKAGES:
        sys.modules.pop(name, None)
