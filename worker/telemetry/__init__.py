"""What operators see of a worker: logs, metrics, traces, health."""
