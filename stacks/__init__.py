"""What `cdk deploy` puts up: one stack a module, one construct a concern."""
