"""How many pairs a check runs if nobody says; read by the command line before all else."""

RUNS = 10
"""At least."""
MAX_RUNS = 50
"""At most, or as many as at least if that is more."""
