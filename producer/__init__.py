"""What every other system may import or run. Knows nothing of the worker."""
