"""How a venue is, why there is no price, and what can be done about it."""

from console.panes.attention import cut_short
from console.panes.sheet import Line, Picture, Span, clipped
from console.panes.text import inert
from core.shown import Health, VenueState

HEALTH: dict[Health, Span] = {
    "up": ("●", "good"),
    "connecting": ("◌", "warn"),
    "silent": ("◐", "warn"),
    "down": ("✗", "bad"),
}
DO: dict[Health, str] = {
    "connecting": "prices come once it answers",
    "silent": "connected, but it sends nothing: the connection is soon made anew",
    "down": "it is tried again by itself; where others are up look at its status page, else at this machine's network",
}


def no_price(picture: Picture, width: int) -> Line | None:
    """Return why no venue brings any price at this moment, and what to do; None: there are some."""
    snapshot = picture.snapshot
    if snapshot.quotes:
        return None
    if snapshot.mode == "REPLAY":
        end: Line = [(picture.keys["tape.pause"], "key"), (" plays it", "dim")]
        return cut_short([(" The tape has no price before this moment: ", "warn")], end, width)
    if not snapshot.venues:
        why: Line = [(" No venue is collected here: ", "warn"), ("prices come from the log of another machine", "dim")]
        return clipped(why, width)
    away = [venue for venue in snapshot.venues if venue.health == "down"]
    if len(away) < len(snapshot.venues):
        waited = [inert(venue.name) for venue in snapshot.venues if venue.health != "down"]
        return clipped([(f" No price yet: connecting to {', '.join(waited)}", "warn")], width)
    told = next((inert(venue.why) for venue in away if venue.why), "they are down")
    return cut_short([(f" No venue answers: {told}", "bad")], [("; look at the network", "dim")], width)


def to_do(state: VenueState | None, symbol: str) -> str:
    """Return what there is to do about a venue that brings no price of `symbol`; nothing if it does, or soon will."""
    if state is None:
        return ""
    if symbol in state.mute:
        return f"`arbdesk instruments {inert(state.name)}` tells whether the venue lists {inert(symbol)}"
    return DO.get(state.health, "")
