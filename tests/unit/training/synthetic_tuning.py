"""What trials.json holds after a small tuning job."""

from typing import Any


def trial(
    number: int, rate: float, batch: int, epochs: int, objective: float | None, status: str = "Completed"
) -> dict[str, Any]:
    return {
        "name": f"tune-{number:03}",
        "status": status,
        "hyperparameters": {"learningRate": rate, "batchSize": batch, "epochs": epochs},
        "objective": objective,
        "metrics": {"validation:loss": 1.4},
        "trainingSeconds": 100 + number,
        "billableSeconds": 40,
    }


TUNING: dict[str, Any] = {
    "jobName": "stocktake-tune",
    "strategy": "Bayesian",
    "objective": "validation:accuracy",
    "ranges": {"learningRate": [1e-5, 1e-2], "batchSize": [32, 64, 128, 256], "epochs": [10, 20]},
    "trials": [
        trial(1, 1e-5, 32, 10, 0.20),
        trial(2, 1e-3, 256, 20, 0.36),
        trial(3, 1e-2, 64, 15, None, "Failed"),
        trial(4, 1e-4, 128, 12, 0.22, "Stopped"),
        trial(5, 1e-3, 128, 14, 0.40),
        trial(6, 1e-4, 64, 11, 0.30),
    ],
    "best": "tune-005",
}
