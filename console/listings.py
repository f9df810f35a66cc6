"""`arbdesk instruments`: what each venue lists, and how old that knowledge is."""

import time
from collections.abc import Sequence

import click
import msgspec

from core.feeds.catalogue import dialect, own, taker_fee
from core.feeds.listings import Held, ask_all
from core.instruments import shipped
from core.listed import fixed, shelf
from core.settings import Settings, VenueSettings


async def show_instruments(settings: Settings, venues: Sequence[str], *, ask: bool, as_json: bool) -> bool:
    """Print a line for each venue; `ask` them first. Return whether every one that was asked answered.

    Raises:
        ConfigurationError: no venue has such a name.
    """
    names = tuple(venues) or own()
    for name in names:
        dialect(name)
    kept = shelf(settings)
    now_ns = time.time_ns()
    answers = await ask_all(names, kept, now_ns) if ask else {}
    held = {name: kept.take(name) for name in names}
    if as_json:
        click.echo(msgspec.json.encode({name: held[name] for name in names}))
    else:
        at_hand = [one.venue for one in shipped()]
        click.echo(f"{'venue':<12} {'symbols':>8} {'tradable':>9} {'fee':>9}  known")
        for name in names:
            click.echo(_line(name, held[name], at_hand.count(name), settings, now_ns))
    failed = {name: answer for name, answer in answers.items() if isinstance(answer, str)}
    for name, why in failed.items():
        click.echo(f"{name}: {why}", err=True)
    return not failed


def _line(name: str, held: Held | None, at_hand: int, settings: Settings, now_ns: int) -> str:
    fee = float(taker_fee(name, settings.venues.get(name, VenueSettings()))) * 1e4
    if held is None:
        known = f"{at_hand} lattices came with the desk" if at_hand else "nothing: its symbols are spelled by rule"
        return f"{name:<12} {'–':>8} {at_hand:>9} {fee:>5.4g} bps  {known}"
    age_h = (now_ns - held.asked_ns) / 3.6e12
    age = f"{age_h * 60:.0f} min" if age_h < 2 else f"{age_h:.0f} h" if age_h < 48 else f"{age_h / 24:.0f} days"
    told = f"asked {age} ago{_asks(held, settings)}"
    return f"{name:<12} {len(held.listings):>8} {len(held.instruments()):>9} {fee:>5.4g} bps  {told}"


def _asks(held: Held, settings: Settings) -> str:
    """Return what the venue itself asks for its symbols, and whether that counts; nothing if it does not say."""
    asked = sorted({one.taker_fee * 10_000 for one in held.listings if one.trading and one.taker_fee is not None})
    if not asked:
        return ""
    least, most = f"{float(asked[0]):.4g}", f"{float(asked[-1]):.4g}"
    span = least if least == most else f"{least} to {most}"
    return f", {span} bps by its own word" + (", and the settings count" if held.venue in fixed(settings) else "")
