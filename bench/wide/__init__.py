"""Many jobs, many of them at once, over long ways, from the first second: see `__main__`."""
