"""What the figures of README and CAPACITY come from: `make bench`."""
