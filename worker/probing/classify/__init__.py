"""What a server's no, or a broken dialogue, means: tables that turn both into a verdict."""
