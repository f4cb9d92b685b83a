"""Which records are probably wrong: bins that do not hold what is recorded."""
