"""From a request item to what is to be probed."""
