"""What is shown of an execution, while it runs and at its end; the rehearsal shows the same."""
