"""A page on this machine's loopback that asks an endpoint about photos: `python -m console try`."""
