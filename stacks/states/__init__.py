"""The state machine: one module a phase, each a function that returns its chain of states.

Facts of the run travel in variables, assigned where they become known: `run` (Plan), `dataset` (Seal or an existing
dataset), `extracted` and `featuresSeconds` (Extract features), `comparison` and `chosen` (Compare), `tuning` and
`hyperparameters` (Collect trials), `training` and `spent` (all that trains), `evaluation` (Evaluate), `package`,
`decision` and `reason` (Release), `cost` (Add up cost).
"""
