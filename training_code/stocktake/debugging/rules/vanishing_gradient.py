"""VanishingGradient."""

from stocktake.debugging.rules.tensor_rule import TensorRule
from stocktake.debugging.saved_tensors import Trial, tensor_names, training_step, training_steps_with


def weight_gradients(trial: Trial) -> list[str]:
    """Names of the saved gradients of weights.

    Biases are left out: before a batch normalisation they have no effect and a gradient of zero in any network, as in
    the linear bottlenecks of a MobileNetV2.
    """
    return [name for name in tensor_names(trial, "gradients") if name.endswith("weight")]


class VanishingGradient(TensorRule):
    """The mean of a gradient's absolute values falls below `threshold`.

    Looks at every saved training step.

    Parameters
    ----------
    threshold
        AWS's default.
    """

    def __init__(self, trial: Trial, threshold: float = 0.0000001):
        super().__init__(trial)
        self.threshold = threshold
        self.gradients = weight_gradients(trial)

    def judged_steps(self) -> list[int]:
        return training_steps_with(self.base_trial, self.gradients)

    def invoke_at_step(self, step: int) -> bool:
        for name in self.gradients:
            mean = float(self.base_trial.tensor(name).reduction_value(step, "mean", abs=True))
            if mean < self.threshold:
                self.reason = (
                    f"In training step {training_step(self.base_trial, step)} the mean absolute value of {name} is "
                    f"{mean:.2g}, below {self.threshold:g}."
                )
                return True
        return False
