"""Tune: search for the chosen architecture's best hyperparameters."""

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.company.encryption import output_key
from stacks.states.failure import Failure
from stacks.states.integration import integration
from stacks.states.invoke import invoke
from stacks.states.jsonata import NULL, expression, object_of
from stacks.states.quota import ATTEMPT, wait_for_quota
from stacks.states.retries import retry_call, retry_job
from stacks.states.tags import tags
from stacks.states.training_job import TrainingSetup, channels, definition, recipe

_NAME = f"$run.jobs.tune & '-' & {ATTEMPT}"
# A variable and no output: CDK leaves the output of a custom state's Catch out.
_STARTED = {"tuningJob": expression(_NAME)}
_NOT_STARTED = ("SageMaker.AmazonSageMakerException", "SageMaker.ResourceInUseException")


def tune(
    scope: Construct, setup: TrainingSetup, collect_trials: lambda_.IFunction, poll_seconds: int, failure: Failure
) -> sfn.Chain:
    """A tuning job and what it found. Assigns `tuning` and `hyperparameters`; leaves no `training`: it is due anew."""
    collect = invoke(
        scope,
        "Collect trials",
        collect_trials,
        sfn.TaskInput.from_object(
            {
                "jobName": expression("$tuningJob"),
                "tuning": expression("$run.input.tuning"),
                "report": expression("$run.report"),
            }
        ),
        comment="Reads every trial: the best values, or why none succeeded.",
        assign={
            "tuning": expression("$states.result.Payload"),
            "hyperparameters": expression("$states.result.Payload.bestHyperparameters"),
            "training": NULL,
            "spent": expression(
                """$append($spent, $states.result.Payload.{
                    'trainingSeconds': trainingSeconds, 'billableSeconds': billableSeconds
                })"""
            ),
        },
        outputs={},
    )
    job = _job(scope, "Tune", "sagemaker:createHyperParameterTuningJob.sync", setup, _CONFIGURATION)
    wait_for_quota(scope, job, failure)
    # Of a tuning job that failed, only the trials know why, and some may have succeeded.
    failure.catch(job, _NOT_STARTED)
    job.add_catch(collect, errors=["States.TaskFailed"], assign=_STARTED)
    failure.catch(job)
    return (
        sfn.Choice.jsonata(
            scope,
            "Tuning wanted?",
            comment="With criteria to end early the tuning job is looked after here, else it is waited for.",
        )
        .when(
            sfn.Condition.jsonata(expression(f"$run.input.tuning.enabled and {_CRITERIA} != {{}}")),
            _tune_to_criteria(scope, setup, collect, poll_seconds, failure),
        )
        .when(sfn.Condition.jsonata(expression("$run.input.tuning.enabled")), job.next(failure.catch(collect)))
        .afterwards(include_otherwise=True)
    )


def _tune_to_criteria(
    scope: Construct, setup: TrainingSetup, collect: sfn.IChainable, poll_seconds: int, failure: Failure
) -> sfn.CustomState:
    """A tuning job that may end early, up to `collect`.

    The integration that waits by itself is not known to pass criteria on (docs/facts.md). This one passes all of the
    API's fields on, but a stopped execution leaves the tuning job behind.
    """
    configuration = f"$merge([{_CONFIGURATION}, {{'TuningJobCompletionCriteria': {_CRITERIA}}}])"
    job = _job(scope, "Tune to criteria", "aws-sdk:sagemaker:createHyperParameterTuningJob", setup, configuration)
    # An execution's history has room for 25,000 events, ten of them a look, and a week.
    wait = sfn.Wait.jsonata(
        scope,
        "Wait for trials",
        comment="Until the next look at the tuning job.",
        time=sfn.WaitTime.duration(Duration.seconds(10 * poll_seconds)),
    )
    look = sfn.CustomState(
        scope,
        "Describe tuning",
        state_json={
            "Type": "Task",
            "Resource": integration(scope, "aws-sdk:sagemaker:describeHyperParameterTuningJob"),
            "Arguments": {"HyperParameterTuningJobName": expression("$tuningJob")},
            "Output": {"status": expression("$states.result.HyperParameterTuningJobStatus")},
        },
    )
    retry_call(look)
    ended = sfn.Choice.jsonata(
        scope, "Tuning ended?", comment="On its own, by a criterion, or stopped: its trials tell."
    )
    ended.when(sfn.Condition.jsonata(expression("$states.input.status in ['InProgress', 'Stopping']")), wait)
    ended.otherwise(collect)
    failure.catch(wait_for_quota(scope, job, failure)).next(wait)
    wait.next(failure.catch(look)).next(ended)
    return job


def _job(scope: Construct, state: str, api: str, setup: TrainingSetup, configuration: str) -> sfn.CustomState:
    job = sfn.CustomState(
        scope,
        state,
        state_json={
            "Type": "Task",
            "Resource": integration(scope, api),
            "Arguments": _tuning_job(setup, configuration),
            "Assign": _STARTED,
        },
    )
    retry_job(job)
    return job


def _tuning_job(setup: TrainingSetup, configuration: str) -> dict[str, Any]:
    return {
        "HyperParameterTuningJobName": expression(_NAME),
        "HyperParameterTuningJobConfig": expression(configuration),
        "TrainingJobDefinition": {
            "StaticHyperParameters": expression(f"$merge([{object_of(_fixed(setup))}, {_EPOCHS_OF_HYPERBAND}])"),
            "InputDataConfig": expression(channels("$chosen", "$run.input.tuning.objective = 'test:accuracy'")),
            # Apart from the models that are registered: nobody asks for a trial's after its metrics are known. There
            # are no checkpoints, as SageMaker does not say that it keeps those of trials apart; an interrupted trial
            # starts again.
            "OutputDataConfig": {"S3OutputPath": f"s3://{setup.bucket}/trials/", **output_key(setup.settings)},
            **definition(setup),
        },
        "Tags": tags(setup.settings),
    }


def _fixed(setup: TrainingSetup) -> dict[str, str]:
    # Hooks cost time, and their rules are about the model that counts.
    return recipe(setup, "$chosen", "hpo.py") | {
        "label-noise-folds": "'0'",
        "debug-interval": "'0'",
        "trace": "'false'",
    }


# Hyperband decides itself how many epochs a trial is worth, so they are its resource and nothing to search. This
# hyperparameter tells it the most that a trial may get.
_EPOCHS_OF_HYPERBAND = """
    $run.input.tuning.strategy = 'Hyperband' ? {'epochs': $string($run.input.tuning.ranges.epochs[1])} : {}
"""

_CONFIGURATION = """(
    $tuning := $run.input.tuning;
    $ranges := $tuning.ranges;
    $hyperband := $tuning.strategy = 'Hyperband';
    {
        'Strategy': $tuning.strategy,
        'HyperParameterTuningJobObjective': {'Type': 'Maximize', 'MetricName': $tuning.objective},
        'ResourceLimits': {
            'MaxNumberOfTrainingJobs': $tuning.maxJobs,
            'MaxParallelTrainingJobs': $tuning.parallelJobs
        },
        'ParameterRanges': {
            'ContinuousParameterRanges': [{
                'Name': 'lr',
                'MinValue': $string($ranges.learningRate[0]),
                'MaxValue': $string($ranges.learningRate[1]),
                'ScalingType': 'Logarithmic'
            }],
            'CategoricalParameterRanges': [{'Name': 'batch-size', 'Values': [$ranges.batchSize.$string()]}],
            'IntegerParameterRanges': $hyperband ? [] : [{
                'Name': 'epochs',
                'MinValue': $string($ranges.epochs[0]),
                'MaxValue': $string($ranges.epochs[1]),
                'ScalingType': 'Linear'
            }]
        },
        'TrainingJobEarlyStoppingType': $tuning.earlyStopping
    }
)"""

_CRITERIA = """(
    $completion := $run.input.tuning.completion;
    $merge([
        $completion.targetObjective = null ? {} : {'TargetObjectiveMetricValue': $completion.targetObjective},
        $completion.jobsNotImproving = null ? {} : {
            'BestObjectiveNotImproving': {'MaxNumberOfTrainingJobsNotImproving': $completion.jobsNotImproving}
        },
        $completion.onConvergence ? {'ConvergenceDetected': {'CompleteOnConvergence': 'Enabled'}} : {}
    ])
)"""
