"""Orders to real venues: a process of its own that alone holds keys, and the desk's end of it."""
