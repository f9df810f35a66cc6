"""A desk on a tape: the same parts, the tape's time, paper venues, and nothing that could reach a real one."""
