"""The mailvouch-worker command."""
