"""Seeded draws: markets, faults and pauses that come out the same for the same seed. Nothing secret is drawn here."""

import random


def seeded(seed: int | str) -> random.Random:
    """Return a stream of numbers that is the same for the same seed, and has nothing to do with any other."""
    return random.Random(seed)
