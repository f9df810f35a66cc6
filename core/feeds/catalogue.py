"""The venues that the desk can listen to."""

from core.errors import ConfigurationError
from core.feeds.binance import Binance
from core.feeds.bybit import Bybit
from core.feeds.okx import Okx
from core.feeds.venue import Dialect

DIALECTS: dict[str, type[Dialect]] = {one.name: one for one in (Binance, Bybit, Okx)}


def dialect(name: str) -> type[Dialect]:
    """Return the dialect of the venue `name`.

    Raises:
        ConfigurationError: there is none.
    """
    try:
        return DIALECTS[name]
    except KeyError:
        known = ", ".join(sorted(DIALECTS))
        raise ConfigurationError(f"No venue is called {name!r}", do=f"Use one of: {known}.") from None
