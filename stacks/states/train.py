"""Compare and Train: training jobs whose models count."""

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.checks import JOB_NAMES
from stacks.states.aws_call import call_aws
from stacks.states.ended import fail_on_problem, problem
from stacks.states.failure import Failure
from stacks.states.integration import integration
from stacks.states.jsonata import expression
from stacks.states.quota import wait_for_quota
from stacks.states.retries import retry_job
from stacks.states.training_job import BILLABLE_SECONDS, TRAINING_SECONDS, TrainingSetup, described, training_job

_BEST = "$sort($states.result, function($a, $b) { $a.validationAccuracy < $b.validationAccuracy })[0]"


def compare(scope: Construct, setup: TrainingSetup, failure: Failure) -> sfn.Chain:
    """With several architectures, train each at the same hyperparameters; the best by validation accuracy goes on.

    Assigns `comparison` (what became of each), `chosen` (the best candidate) and `training` (its model).
    """
    job = _job(
        scope, "Train candidate", setup, "$run.jobs.compare & '-' & $string($states.input.index)", "$states.input"
    )
    answer = call_aws(
        scope,
        "Describe candidate",
        "sagemaker:describeTrainingJob",
        [setup.job_arns],
        {"TrainingJobName": expression("$states.input.jobName")},
        outputs=described("$states.input") | {"problem": expression(problem(metric=True))},
        wildcard=JOB_NAMES,
    )
    each = sfn.Map.jsonata(
        scope,
        "Compare",
        comment="Trains each architecture alike; the best on validation images goes on.",
        items=sfn.ProvideItems.jsonata(expression("$run.candidates")),
        max_concurrency=2,
        assign={
            "comparison": expression("$states.result"),
            "training": expression(_BEST),
            "chosen": expression(f"($best := {_BEST}; $run.candidates[architecture = $best.architecture])"),
            "spent": expression(
                """$append($spent, $states.result.{
                    'trainingSeconds': trainingSeconds, 'billableSeconds': billableSeconds
                })"""
            ),
        },
        outputs={},
    )
    kept = sfn.Pass.jsonata(
        scope,
        "Candidate trained",
        comment="Hands up what the comparison keeps of the job.",
        outputs=expression("$sift($states.input, function($value, $name) { $name != 'problem' })"),
    )
    each.item_processor(wait_for_quota(scope, job).next(answer).next(fail_on_problem(scope, job.id).otherwise(kept)))
    return (
        sfn.Choice.jsonata(scope, "Several architectures?", comment="One alone needs no comparison.")
        .when(sfn.Condition.jsonata(expression("$count($run.candidates) > 1")), failure.catch(each))
        .afterwards(include_otherwise=True)
    )


def train(scope: Construct, setup: TrainingSetup, failure: Failure) -> sfn.Chain:
    """Train the chosen candidate at `hyperparameters`, unless the comparison has. Assigns `training`."""
    job = wait_for_quota(scope, _job(scope, "Train", setup, "$run.jobs.train", "$chosen"), failure)
    answer = call_aws(
        scope,
        "Describe training",
        "sagemaker:describeTrainingJob",
        [setup.job_arns],
        {"TrainingJobName": expression("$states.input.jobName")},
        assign={
            "training": described("$chosen"),
            "spent": expression(
                f"""$append($spent, {{
                    'trainingSeconds': {TRAINING_SECONDS}, 'billableSeconds': {BILLABLE_SECONDS}
                }})"""
            ),
        },
        outputs={"problem": expression(problem())},
        wildcard=JOB_NAMES,
    )
    done = fail_on_problem(scope, job.id, failure)
    due = (
        failure.catch(job)
        .next(failure.catch(answer))
        .next(done.otherwise(sfn.Pass.jsonata(scope, "Trained", comment="All that the evaluation needs is known.")))
    )
    return (
        sfn.Choice.jsonata(
            scope, "Model to train?", comment="Without tuning, the comparison has trained the best one already."
        )
        .when(sfn.Condition.jsonata(expression("$training = null")), due)
        .afterwards(include_otherwise=True)
    )


def _job(scope: Construct, state: str, setup: TrainingSetup, name: str, candidate: str) -> sfn.CustomState:
    job = sfn.CustomState(
        scope,
        state,
        state_json={
            "Type": "Task",
            "Resource": integration(scope, "sagemaker:createTrainingJob.sync"),
            "Arguments": training_job(setup, name, candidate),
            "Output": {
                "architecture": expression(f"{candidate}.architecture"),
                "jobName": expression("$states.result.TrainingJobName"),
            },
        },
    )
    retry_job(job)
    return job
