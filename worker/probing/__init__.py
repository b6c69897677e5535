"""The core: one protocol of one account, from a target to a verdict. Alone usable and testable."""
