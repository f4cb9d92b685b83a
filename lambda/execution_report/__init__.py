"""The page of a whole execution: what was decided and why, from which data, by which model, at which cost."""
