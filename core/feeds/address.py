"""Where to connect to a venue: at the address that is set, else its own, with a token if it gives one."""

import ipaddress
from typing import Literal

import orjson
from websockets.exceptions import InvalidURI
from websockets.uri import parse_uri

from core.errors import BadFrame, ConfigurationError
from core.feeds.intake import Parting, clean
from core.feeds.rest import ask
from core.feeds.venue import Dialect


class Address:
    """One venue's."""

    def __init__(self, dialect: type[Dialect], url: str | None) -> None:
        """Raises ConfigurationError: nothing can be connected to `url`."""
        self._dialect, self._url = dialect, url or dialect.url
        self._token = None if url else dialect.token
        self.proxy: Literal[True] | None = None if _is_here(self._url) else True  # True: as the environment says

    async def ask(self) -> str:
        """Return where to connect: what the venue says with a token, if it gives one, anew for each connection.

        Raises:
            OSError, Parting: it does not say.
        """
        if self._token is None:
            return self._url
        try:
            return self._dialect.address(orjson.loads(await ask(self._token)))
        except (BadFrame, orjson.JSONDecodeError) as error:
            raise Parting("No token", why=clean(str(error))) from None


def _is_here(url: str) -> bool:
    """Return whether `url` is on this machine.

    Raises:
        ConfigurationError: nothing can be connected to it.
    """
    try:
        host = parse_uri(url).host
        host.encode("idna")
    except (InvalidURI, ValueError) as error:
        raise ConfigurationError(f"{url!r} is no address of a venue", why=clean(str(error)), do="Mend it.") from None
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
