"""How a model is trained: recipes by name, each a preset, a partial input whose values are defaults of the input's.

What a recipe does beside these values is the training code's.
"""

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    # The contract's own defaults, which are the notebook project's.
    "notebook": {},
    "fine-tuning": {
        "trainable": "all",
        "hyperparameters": {"learningRate": 1e-3, "batchSize": 64, "epochs": 6},
        "tuning": {"ranges": {"learningRate": [3e-4, 3e-3], "batchSize": [32, 64, 128], "epochs": [4, 8]}},
        "dataset": {"imageSize": 160, "uncounted": True},
    },
}

PASSES = {"notebook": 1, "fine-tuning": 2}
"""Through the network for one answer: a photo alone, or its mirror image too, as the training code's recipes say."""


def preset(name: object) -> dict[str, Any]:
    """A recipe's preset; that of what is no recipe is empty, as the contract refuses it."""
    return PRESETS.get(name, {}) if isinstance(name, str) else {}
