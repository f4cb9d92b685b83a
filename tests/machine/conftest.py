"""The state machine as it is synthesised, to be run in the emulated AWS."""

from tests.stacks.conftest import definition, flags, states, synthesize, templates

__all__ = ["definition", "flags", "states", "synthesize", "templates"]
