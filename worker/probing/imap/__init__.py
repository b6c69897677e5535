"""IMAP: pure parsers and the dialogue."""
