"""The hyperparameters of a training job, read from the strings that SageMaker passes."""

import argparse
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, Self, TypeVar

from stocktake.failures import JobFailure
from stocktake.model.network import ARCHITECTURES, TRAINABLE
from stocktake.training.losses import LOSSES
from stocktake.training.recipe import RECIPES
from stocktake.training.weights import SOURCES

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Hyperparameters:
    """What one training run is made of. Defaults are those of the recipe this project rebuilds.

    Attributes
    ----------
    weights
        Where training starts: `channel` (the file in the `weights` channel) or `none` (random).
    trainable
        The part of the network that learns: `head`, `layer4` (the last stage and the head) or `all`.
    recipe
        `notebook` or `fine-tuning`, see `Recipe`; the latter needs a trunk that learns.
    loss
        `cross-entropy` or `ordinal`, see `CountingLoss`.
    batch_size
        Images in one step, over all processes together.
    image_size
        Side in pixels of the square that every image is resized to.
    labels
        The counts that the model tells apart, in the order of its outputs.
    """

    architecture: str = "resnet50"
    weights: str = "channel"
    trainable: str = "head"
    loss: str = "cross-entropy"
    lr: float = 0.0005
    batch_size: int = 128
    epochs: int = 5
    seed: int = 0
    image_size: int = 224
    labels: tuple[int, ...] = (1, 2, 3, 4, 5)
    recipe: str = "notebook"

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> Self:
        given = cls(**{name: getattr(arguments, name) for name in cls.__dataclass_fields__})
        if given.recipe == "fine-tuning" and given.trainable == "head":
            raise JobFailure(
                "Hyperparameter recipe: 'fine-tuning' was given with trainable 'head', but it is made for a trunk that "
                "learns. Give trainable all or layer4, or the recipe notebook."
            )
        return given


class HyperparameterParser(argparse.ArgumentParser):
    """The command line that SageMaker's training toolkit makes of a job's hyperparameters.

    Values may arrive in quotes of their own: tuning jobs send categorical values as `"32"`, quotes included.
    """

    def __init__(self) -> None:
        super().__init__(allow_abbrev=False)
        default = Hyperparameters()
        whole = "a whole number"
        options: list[tuple[str, Callable[[str], object], object]] = [
            ("architecture", _one_of(ARCHITECTURES), default.architecture),
            ("weights", _one_of(SOURCES), default.weights),
            ("trainable", _one_of(TRAINABLE), default.trainable),
            ("recipe", _one_of(tuple(RECIPES)), default.recipe),
            ("loss", _one_of(LOSSES), default.loss),
            ("lr", _number(float, "a number above 0", lambda lr: 0 < lr < math.inf), default.lr),
            ("batch-size", _number(int, f"{whole} of at least 1", lambda size: size >= 1), default.batch_size),
            ("epochs", _number(int, f"{whole} of at least 1", lambda epochs: epochs >= 1), default.epochs),
            ("seed", _number(int, f"{whole} from 0 to 2**63 - 1", lambda seed: 0 <= seed < 2**63), default.seed),
            ("image-size", _number(int, f"{whole} from 32 to 1024", lambda n: 32 <= n <= 1024), default.image_size),
            ("labels", _labels, default.labels),
        ]
        for name, parse, value in options:
            self.add_argument(f"--{name}", type=parse, default=value)
        # What the job also does, without an influence on its result.
        whole_from_0 = _number(int, f"{whole} of at least 0 (0 saves nothing)", lambda steps: steps >= 0)
        self.add_argument("--debug-interval", type=whole_from_0, default=0)
        folds = _number(int, f"0 or {whole} from 2 to 10", lambda folds: folds == 0 or 2 <= folds <= 10)
        self.add_argument("--label-noise-folds", type=folds, default=0)
        # The toolkit passes a JSON true on as Python's True.
        trace = _one_of(("true", "false"))
        self.add_argument("--trace", type=lambda text: trace(text.lower()) == "true", default=False)

    def error(self, message: str) -> NoReturn:
        if match := re.match(r"argument --(\S+): (.*)", message):
            raise JobFailure(f"Hyperparameter {match[1]}: {match[2]}.")
        raise JobFailure(f"Hyperparameters: {message}.")


def _unquoted(text: str) -> str:
    return text.strip().strip("\"'")


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if _unquoted(text) not in allowed:
            raise argparse.ArgumentTypeError(f"{text!r} was given, one of {', '.join(allowed)} is allowed")
        return _unquoted(text)

    return parse


def _number(kind: Callable[[str], Number], allowed: str, holds: Callable[[Number], bool]) -> Callable[[str], Number]:
    def parse(text: str) -> Number:
        try:
            value = kind(_unquoted(text))
        except ValueError:
            value = None
        if value is None or not holds(value):
            raise argparse.ArgumentTypeError(f"{text!r} was given, {allowed} is allowed")
        return value

    return parse


def _labels(text: str) -> tuple[int, ...]:
    try:
        labels = tuple(int(label) for label in _unquoted(text).split(","))
    except ValueError:
        labels = ()
    if len(labels) < 2 or len(set(labels)) < len(labels) or min(labels) < 0:
        raise argparse.ArgumentTypeError(f'{text!r} was given, different counts such as "1,2,3,4,5" are allowed')
    return labels
