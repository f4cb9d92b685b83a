"""What is watched while a model trains, and what is concluded from it."""

from stocktake.debugging.session import Debugging

__all__ = ["Debugging"]
