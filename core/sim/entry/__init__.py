"""Order entry of the simulated venues: HTTP as their clients speak it, with every way to fail."""
