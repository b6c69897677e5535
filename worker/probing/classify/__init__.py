"""What a server's refusal, or a broken dialogue, means: tables that turn both into a verdict."""
