"""Keys of simulated venues: they are worth nothing, so that nobody has to make any for a demo."""

from core.execution.keys import Keys, Secret


def simulated(venue: str) -> Keys:
    """Return what a simulated venue expects."""
    key, secret, passphrase = (Secret(f"simulated-{part}") for part in ("key", "secret", "passphrase"))
    return Keys(venue, key, secret, passphrase, "the simulation")
