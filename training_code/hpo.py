"""A tuning trial's entry point: trains as train.py does and leaves only its metrics.

The tuning job reads its objective from the last line that is printed. The model that counts is trained afterwards,
with the best values.
"""

from stocktake.distributed import joined_world
from stocktake.failures import reported_to
from stocktake.hyperparameters import HyperparameterParser, Hyperparameters
from stocktake.training import Training, metric_line
from stocktake.training_job import (
    FAILURE_FILE,
    compute_device,
    find_checkpoints,
    open_splits,
    starting_network,
    starting_weights,
    termination_flag,
)


def main() -> None:
    hyperparameters = Hyperparameters.from_arguments(HyperparameterParser().parse_args())
    interrupted = termination_flag()
    with joined_world() as world:
        device = compute_device()
        splits = open_splits(hyperparameters, world)
        network = starting_network(hyperparameters, starting_weights(hyperparameters), splits["train"], device)
        # `test` is there only when the objective is test accuracy, as in the recipe that this project rebuilds.
        names = {"valid": "validation", "test": "test"}
        held_out = {names[name]: split for name, split in splits.items() if name in names}
        training = Training(network, splits["train"], held_out, hyperparameters, device, world)
        checkpoints = find_checkpoints(hyperparameters, splits)
        training.resume(checkpoints)
        training.fit(checkpoints, interrupted)
        if world.leads:
            held_out_metrics = ("epoch", "validation:", "test:")
            best = {name: value for name, value in training.progress.best.items() if name.startswith(held_out_metrics)}
            print(f"best {metric_line(best)}", flush=True)


if __name__ == "__main__":
    with reported_to(FAILURE_FILE):
        main()
