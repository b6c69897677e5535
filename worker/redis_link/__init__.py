"""One connection to Redis on the event loop: pipelined commands, scripts, reconnecting."""
