"""Dramatiq on Redis, hardened. Moves jobs and knows no mail."""
