"""The commands of `mailvouch`, one file per group."""
