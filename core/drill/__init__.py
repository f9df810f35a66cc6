"""Runs the real parts against trouble made on purpose, and holds what came of it against what is promised."""
