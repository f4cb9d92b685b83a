"""What is made of bins: a planned dataset, its splits, shards, rejects and card."""
