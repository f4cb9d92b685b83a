"""AWS's built-in rules that a training of ours is judged by, over what the hook saved.

AWS runs them in containers of its own and publishes what they find and their parameters, not their code
(docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-rules.html). Parameters here have AWS's names and defaults.
Importable only after `make_smdebug_work`.
"""

from stocktake.debugging.rules.loss_not_decreasing import LossNotDecreasing
from stocktake.debugging.rules.overfit import Overfit
from stocktake.debugging.rules.overtraining import Overtraining
from stocktake.debugging.rules.poor_weight_initialization import PoorWeightInitialization
from stocktake.debugging.rules.tensor_rule import TensorRule
from stocktake.debugging.rules.vanishing_gradient import VanishingGradient

TENSOR_RULES: dict[str, type[TensorRule]] = {
    "vanishing_gradient": VanishingGradient,
    "overfit": Overfit,
    "overtraining": Overtraining,
    "poor_weight_initialization": PoorWeightInitialization,
    "loss_not_decreasing": LossNotDecreasing,
}
