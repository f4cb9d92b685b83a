"""What an execution costs: prices, what is billed of its jobs, and what to expect before it runs."""
