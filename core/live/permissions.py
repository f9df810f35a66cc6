"""Whether a key could take money away: asked before the desk may send anything, and never guessed."""

import asyncio
from collections.abc import Sequence

from core.attempts import attempt
from core.errors import ConfigurationError
from core.live.reference import TELLS, may_withdraw
from core.live.venues import Exchange, VenueFailure

PAUSES_S = (0.0, 0.2, 0.5, 1.0, 2.0, 3.0)  # before each time that a venue is asked
ASK_S = 3.0  # beyond ccxt's own limit of two seconds


async def objection(
    exchange: Exchange, *, insist: bool, pauses_s: Sequence[float] = PAUSES_S
) -> ConfigurationError | None:
    """Return why no order may be sent with this key; None: it cannot withdraw, or its venue has no way to tell.

    `insist`: a venue that could tell and does not, asked as often as that, is an objection, too. Else it is asked once.
    """
    venue, why = exchange.venue, ""
    if venue not in TELLS:
        return None
    for pause_s in pauses_s if insist else pauses_s[:1]:
        await asyncio.sleep(pause_s)
        told = await attempt(may_withdraw(exchange), ASK_S)
        if not isinstance(told, Exception):
            return _may(venue) if told else None
        why = _brief(told)
        if isinstance(told, VenueFailure) and (told.failure.key_trouble or told.failure.slow_down):
            break  # another question would only make it worse
    return _silent(venue, why) if insist else None


def _may(venue: str) -> ConfigurationError:
    return ConfigurationError(f"The key for {venue} may withdraw", do="Make one that may trade, and no more.")


def _silent(venue: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{venue} does not tell whether its key may withdraw",
        why=why,
        do=f"Start again when it answers, with a key that it accepts, or set venues.{venue}.enabled = false.",
    )


def _brief(error: Exception) -> str:
    if isinstance(error, VenueFailure):
        return error.failure.brief
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return f"its answer is not what it documents ({type(error).__name__})"
