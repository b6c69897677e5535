"""One item, both protocols side by side, under one budget."""
