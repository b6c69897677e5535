"""SMTP submission: pure parsers and the dialogue."""
