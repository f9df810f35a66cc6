"""How simulated venues speak of their top levels, one file each.

Bithumb and Bitstamp have none: there depth is the channel of the ticks itself, and simulated it holds one level.
"""
