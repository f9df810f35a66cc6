"""A simulated market on loopback sockets: venues that speak their real dialects, and whose truth is known."""
