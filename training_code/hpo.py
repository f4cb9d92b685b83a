"""A tuning trial's entry point: trains as train.py does and leaves only its metrics.

The tuning job reads its objective from the last line that is printed. The model that counts is trained afterwards,
with the best values.
"""

from stocktake.failures import reported_to
from stocktake.training.distributed import joined_world
from stocktake.training.hyperparameters import HyperparameterParser, Hyperparameters
from stocktake.training.job import FAILURE_FILE, prepare, termination_flag


def main() -> None:
    hyperparameters = Hyperparameters.from_arguments(HyperparameterParser().parse_args())
    interrupted = termination_flag()
    with joined_world() as world:
        job = prepare(hyperparameters, world)
        job.training.fit(job.checkpoints, interrupted)
        if world.is_main:
            print(job.training.best_line(), flush=True)


if __name__ == "__main__":
    with reported_to(FAILURE_FILE):
        main()
