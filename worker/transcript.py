"""What was said, with no secret in it."""
