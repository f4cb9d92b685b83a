"""Before a first deployment: what would fail in this account and region, and the command that mends it."""

from stacks import settings as settings  # Makes the contract and Plan, in `lambda`, importable.
