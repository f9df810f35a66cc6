"""What the venues are known to list and to charge: from the settings and from disk, and asked of nobody."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from core.feeds.catalogue import taker_fee
from core.feeds.listings import Held, Shelf, on_the_shelf
from core.instruments import Instrument, Instruments, shipped
from core.places import data_dir
from core.settings import Settings


def shelf(settings: Settings) -> Shelf:
    """Return where the venues' own answers are kept."""
    return Shelf(data_dir(settings) / "instruments")


def known_listings(settings: Settings, venues: Iterable[str]) -> dict[str, Held]:
    """Return what real venues were heard to list, as far as it is on disk."""
    return on_the_shelf(shelf(settings), venues)


def lattices(held: Mapping[str, Held]) -> list[Instrument]:
    """Return the lattices that come with the desk, but for venues that have answered: there their word counts."""
    known = Instruments(shipped(), {})
    for venue, answer in held.items():
        known.hear(venue, answer.listings)
    return known.all()


def fees(settings: Settings) -> dict[str, Decimal]:
    """Return the taker fee of each venue that the desk listens to, as a fraction, where it tells none of a symbol."""
    return {name: taker_fee(name, venue) for name, venue in settings.venues.items() if venue.enabled}


def fixed(settings: Settings) -> list[str]:
    """Return the venues whose taker fee is set: what they tell of it does not count."""
    return [name for name, venue in settings.venues.items() if venue.taker_fee_bps is not None]
