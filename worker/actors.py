"""The actors: load, run, save, observe."""
