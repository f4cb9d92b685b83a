"""How a model is trained: hyperparameters, where it starts, the loop, its processes and checkpoints."""
