"""What the HTTP gateway adds to a job, what a waiting request costs, how much goes through."""
