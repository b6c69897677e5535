"""The HTTP front of the queue: the two documented endpoints, jobs, and a page for people."""
