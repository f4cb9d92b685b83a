"""The endpoint stack: `stack` composes it, each of the others is one part of it."""
