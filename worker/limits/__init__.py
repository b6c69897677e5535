"""The limits at every server, kept in Redis for all workers together."""
