"""What `cdk deploy` puts up: one stack a file or folder, its parts in files of their own."""
