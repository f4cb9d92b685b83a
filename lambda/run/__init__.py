"""What an execution is asked for and what it starts from: the input's contract, instances, weights, features."""
