"""The programs of each contender."""
