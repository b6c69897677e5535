"""The background worker that probes mail credentials."""
