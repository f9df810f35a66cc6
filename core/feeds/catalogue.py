"""The venues that the desk can listen to: each file in `dialects/`, and each class that an installed package offers.

A package offers one under the entry point group `arbdesk.venues`: `name = "module:Class"`. It cannot take the place of
a venue that comes with the desk.
"""

import inspect
from decimal import Decimal
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from typing import Any

from core.errors import ConfigurationError
from core.feeds import depths, dialects
from core.feeds.top_levels import TopLevels
from core.feeds.venue import Dialect
from core.settings import VenueSettings

GROUP = "arbdesk.venues"


@cache
def own() -> tuple[str, ...]:
    """Return the names of the venues that come with the desk."""
    return tuple(sorted(module.name for module in iter_modules(dialects.__path__)))


def known() -> tuple[str, ...]:
    """Return the names of all venues."""
    return tuple(sorted({*own(), *_offered()}))


@cache
def dialect(name: str) -> type[Dialect]:
    """Return the dialect of the venue `name`.

    Raises:
        ConfigurationError: there is none, or an installed package offers something else under this name.
    """
    if name in own():
        module = import_module(f"{dialects.__name__}.{name}")
        ours: type[Dialect] = next(one for one in vars(module).values() if _speaks(one, name))
        return ours
    if offer := _offered().get(name):
        return _load(offer)
    raise ConfigurationError(f"No venue is called {name!r}", do=f"Use one of: {', '.join(known())}.")


@cache
def top_levels(name: str) -> type[TopLevels[Any]] | None:
    """Return what speaks of the top levels of the venue `name`; None: it offers none (`Dialect.no_depth`)."""
    if name not in {module.name for module in iter_modules(depths.__path__)}:
        return None
    module = import_module(f"{depths.__name__}.{name}")
    found = (one for one in vars(module).values() if inspect.isclass(one) and issubclass(one, TopLevels))
    return next(one for one in found if getattr(one, "venue", None) == name)


def taker_fee(name: str, settings: VenueSettings) -> Decimal:
    """Return what an order that takes costs, as a fraction: as it is set, else what the venue asks of a newcomer."""
    given = settings.taker_fee_bps
    return (dialect(name).taker_fee_bps if given is None else given) / 10_000


def _offered() -> dict[str, EntryPoint]:
    return {offer.name: offer for offer in entry_points(group=GROUP)}


def _load(offer: EntryPoint) -> type[Dialect]:
    try:
        found = offer.load()
    except Exception as error:
        why = f"{offer.value}: {type(error).__name__}: {error}"
        raise ConfigurationError(f"The venue {offer.name} cannot be loaded", why=why, do="Mend its package.") from error
    if not _speaks(found, offer.name):
        why = f"{offer.value} is no dialect whose name is {offer.name!r}"
        raise ConfigurationError(f"The venue {offer.name} cannot be used", why=why, do="Mend its package.")
    speaking: type[Dialect] = found
    return speaking


def _speaks(found: object, name: str) -> bool:
    return inspect.isclass(found) and getattr(found, "name", None) == name and hasattr(found, "decode")
