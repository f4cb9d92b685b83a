"""Commands for people, over AWS's APIs alone: what was deployed is all that they know, in an account or a rehearsal."""
