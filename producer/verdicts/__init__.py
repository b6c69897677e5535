"""A result and its report in words for people: the same on a terminal and on a page."""
