"""The workflow stack: `stack` composes it, each of the others is one part of it; the phases are in `stacks.states`."""
