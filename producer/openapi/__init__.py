"""The machine-readable contract of the HTTP gateway."""
