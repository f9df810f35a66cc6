"""One question to a venue's public HTTP interface, with a bound on its time and on its answer's size.

A thread of its own asks: the library waits, and the loop must not. It is a daemon, so that a desk that stops does not
wait for a name server.
"""

import asyncio
import contextlib
import threading
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from core.feeds.venue import Call

TIMEOUT_S = 10.0
MOST_BYTES = 2**26


async def ask(call: Call, timeout_s: float = TIMEOUT_S) -> bytes:
    """Return the body of the answer.

    Raises:
        OSError: there is none: no connection, an error of the venue's, too slow, too long.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[bytes] = loop.create_future()

    def settle(body: bytes | None, trouble: OSError | None) -> None:
        if answered.done():
            return
        if trouble is not None:
            answered.set_exception(trouble)
        elif body is not None:
            answered.set_result(body)

    def work() -> None:
        body, trouble = None, None
        try:
            body = _ask(call, timeout_s)
        except HTTPError as error:  # it is an answer too, with a connection to close
            error.close()
            trouble = OSError(f"{call.url}: {error}")
        except OSError as error:
            trouble = error
        except (HTTPException, ValueError) as error:
            trouble = OSError(f"{call.url}: {error!r}")
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            loop.call_soon_threadsafe(settle, body, trouble)

    threading.Thread(target=work, name=f"ask {call.url}", daemon=True).start()
    async with asyncio.timeout(timeout_s * 2):  # the library's bound is of each step
        return await answered


def _ask(call: Call, timeout_s: float) -> bytes:
    headers = {"User-Agent": "arbdesk", "Accept": "application/json"}
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    if not call.url.startswith(("https://", "http://127.0.0.1:")):
        raise OSError(f"{call.url}: not https")
    with urlopen(Request(call.url, call.body, headers), timeout=timeout_s) as answer:
        body: bytes = answer.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise OSError(f"{call.url}: more than {MOST_BYTES} bytes")
    return body
