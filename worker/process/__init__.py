"""What makes a running worker of the parts: composition, processes, signals, the embedded Redis."""
