"""One module a check: from a client of AWS, or none, to findings. Nothing here changes anything."""
