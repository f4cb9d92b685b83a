"""An execution's variables, and a definition's expressions evaluated with them."""

from typing import Any

import botocore.validate

import plan
from rehearsal.aws import constraints
from rehearsal.aws.service_models import service_model
from rehearsal.aws.stepfunctions.jsonata import evaluate
from run import contract

RUN = "0123456789ab"
CONTEXT = {"Execution": {"Name": "an execution"}, "StateMachine": {"Name": "stocktake"}, "State": {"RetryCount": 1}}


def variables(given: dict[str, Any] | None = None, *, ready: bool = True, **more: Any) -> dict[str, Any]:
    """What is known after Plan, for an execution's input; `more` is assigned later."""
    completed = contract.complete(given).to_json()
    dataset = {"id": "d", "uri": "s3://data/datasets/d", "bucket": "data", "ready": ready}
    run = {
        "name": RUN,
        "input": completed,
        "dataset": dataset,
        "labels": [1, 2, 3, 4, 5],
        "candidates": [
            {
                "architecture": name,
                "index": index,
                "weights": None if completed["weights"] == "none" else f"s3://data/weights/imagenet/{name}.pth",
                "features": {
                    "id": f"of-{name}",
                    "uri": f"s3://data/features/of-{name}",
                    "bucket": "data",
                    "marker": f"features/of-{name}/complete.json",
                    "ready": ready,
                }
                if completed["trainable"] == "head"
                else None,
            }
            for index, name in enumerate(completed["architectures"])
        ],
        "jobs": plan.job_names("stocktake", RUN),
        "trainingInstanceType": contract.complete(given).training_instance_type,
        "trainingImage": "pytorch-for-training",
        "featuresImage": "pytorch-gpu",
        "distributed": True,
        "report": {"uri": f"s3://data/reports/{RUN}", "bucket": "data", "prefix": f"reports/{RUN}"},
    }
    assigned = {
        "run": run,
        "chosen": run["candidates"][0],
        "hyperparameters": completed["hyperparameters"],
        "dataset": {"id": "d", "uri": "s3://data/datasets/d"},
        "featuresSeconds": 0,
        "comparison": None,
        "tuning": None,
        "training": None,
        "spent": [],
        "package": None,
        "champion": None,
        "evaluations": 1,
        "evaluationSeconds": 0,
        "extracted": [],
        "failure": None,
        "cost": {},
    }
    return assigned | more


def rendered(template: Any, known: dict[str, Any], input: Any = None, result: Any = None, **more: Any) -> Any:
    """The template with every expression replaced by its value; `more` are other fields of `$states`."""
    if isinstance(template, dict):
        return {name: rendered(value, known, input, result, **more) for name, value in template.items()}
    if isinstance(template, list):
        return [rendered(value, known, input, result, **more) for value in template]
    if isinstance(template, str) and template.startswith("{%"):
        of_state = {"context": CONTEXT, "input": input, "result": result} | more
        return evaluate(template[2:-2].strip(), known | {"states": of_state})
    return template


def accepted(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """The request, if it satisfies SageMaker's own service model; fails otherwise."""
    shape = service_model("sagemaker").operation_model(operation).input_shape
    faults = botocore.validate.ParamValidator().validate(request, shape)
    assert not faults.has_errors(), faults.generate_report()
    constraints.check(operation, request)
    return request


def way(definition: dict[str, Any], known: dict[str, Any], effects: dict[str, dict[str, Any]]) -> list[str]:
    """The states that do work from the dataset to Evaluate's first, each Choice decided by its own conditions.

    `effects` are the variables that a state assigns, by the state's name.
    """
    states, name, names = definition["States"], "Dataset ready?", []
    while name != "Read champion":
        state = states[name]
        known = known | effects.get(name, {})
        if state["Type"] == "Choice":
            met = (choice["Next"] for choice in state["Choices"] if rendered(choice["Condition"], known))
            name = next(met, state.get("Default"))
        else:
            names += [name] if state["Type"] in {"Task", "Map"} else []
            name = state["Next"]
    return names
