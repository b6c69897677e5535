"""The stored SMTP integrations and the rules of an update."""
