"""The commands of `mailvouch-worker` beside `run`."""
