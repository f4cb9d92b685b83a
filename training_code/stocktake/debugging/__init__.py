"""What is watched while a model trains, and what is concluded from it."""

from stocktake.debugging.session import DebuggingSession

__all__ = ["DebuggingSession"]
