"""What parts of the desk are worth, measured where the truth is known: on the simulated market and gateway."""
