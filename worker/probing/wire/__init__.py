"""Bytes: who may be dialled, dial, TLS, lines, limits."""
