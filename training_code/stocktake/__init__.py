"""What training, evaluation and serving share."""
