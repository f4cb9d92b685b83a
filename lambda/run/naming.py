"""The name that everything of an execution carries."""

import hashlib


def run_name(execution: str) -> str:
    """A short name [0-9a-f] of 12 characters for an execution: the names of its jobs are made from it."""
    return hashlib.blake2b(execution.encode(), digest_size=6).hexdigest()
