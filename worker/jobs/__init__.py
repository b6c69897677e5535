"""The two kinds of job, from an opened request to the result that is saved."""
