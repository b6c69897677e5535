"""SASL: mechanisms, one a file; choice; exchange; success that says it is none. No I/O."""
