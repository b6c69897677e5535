"""SASL mechanisms, one a file. No I/O."""
