"""`mailvouch-worker doctor`: is everything there that a worker needs, and if not, what to do.

Each check answers one question: `ok`, `warn` (works, but) or `fail` (will not work), a sentence,
and where it is not `ok` the remedy. Nothing is changed, no credential is sent anywhere.
"""
