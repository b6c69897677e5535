"""What both sides run: sealed requests, and passwords at rest."""
