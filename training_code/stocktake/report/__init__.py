"""What a person reads of a model: a page and its plots."""
