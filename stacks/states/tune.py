"""Tune: search for the chosen architecture's best hyperparameters."""

from typing import Any

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.states.failure import Failure
from stacks.states.invoke import invoke
from stacks.states.jsonata import NULL, expression, object_of
from stacks.states.quota import ATTEMPT, wait_for_quota
from stacks.states.retries import retry_job
from stacks.states.training_job import TrainingSetup, channels, definition, recipe

_NAME = f"$run.jobs.tune & '-' & {ATTEMPT}"
_NOT_STARTED = ("SageMaker.AmazonSageMakerException", "SageMaker.ResourceInUseException")


def tune(scope: Construct, setup: TrainingSetup, collect_trials: lambda_.IFunction, failure: Failure) -> sfn.Chain:
    """A tuning job and what it found. Assigns `tuning` and `hyperparameters`; leaves no `training`: it is due anew."""
    # A variable and no output: CDK leaves the output of a custom state's Catch out.
    started = {"tuningJob": expression(_NAME)}
    job = sfn.CustomState(
        scope,
        "Tune",
        state_json={
            "Type": "Task",
            "Resource": "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync",
            "Arguments": _tuning_job(setup),
            "Assign": started,
        },
    )
    retry_job(job)
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
    wait_for_quota(scope, job, failure)
    # Of a tuning job that failed, only the trials know why, and some may have succeeded.
    failure.catch(job, _NOT_STARTED)
    job.add_catch(collect, errors=["States.TaskFailed"], assign=started)
    failure.catch(job)
    return (
        sfn.Choice.jsonata(scope, "Tuning wanted?")
        .when(sfn.Condition.jsonata(expression("$run.input.tuning.enabled")), job.next(failure.catch(collect)))
        .afterwards(include_otherwise=True)
    )


def _tuning_job(setup: TrainingSetup) -> dict[str, Any]:
    return {
        "HyperParameterTuningJobName": expression(_NAME),
        "HyperParameterTuningJobConfig": expression(_CONFIGURATION),
        "TrainingJobDefinition": {
            "StaticHyperParameters": expression(f"$merge([{object_of(_fixed(setup))}, {_EPOCHS_OF_HYPERBAND}])"),
            "InputDataConfig": expression(channels("$chosen", "$run.input.tuning.objective = 'test:accuracy'")),
            # Apart from the models that are registered: nobody asks for a trial's after its metrics are known. There
            # are no checkpoints, as SageMaker does not say that it keeps those of trials apart; an interrupted trial
            # starts again.
            "OutputDataConfig": {"S3OutputPath": f"s3://{setup.bucket}/trials/"},
            **definition(setup),
        },
        "Tags": [{"Key": "stocktake:execution", "Value": expression("$states.context.Execution.Name")}],
    }


def _fixed(setup: TrainingSetup) -> dict[str, str]:
    # Hooks cost time, and their rules are about the model that counts.
    return recipe(setup, "$chosen", "hpo.py") | {"debug-interval": "'0'", "trace": "'false'"}


# Hyperband decides itself how many epochs a trial is worth, so they are its resource and nothing to search.
_EPOCHS_OF_HYPERBAND = """
    $run.input.tuning.strategy = 'Hyperband' ? {'epochs': $string($run.input.tuning.ranges.epochs[1])} : {}
"""

_CONFIGURATION = """(
    $tuning := $run.input.tuning;
    $ranges := $tuning.ranges;
    $completion := $tuning.completion;
    $hyperband := $tuning.strategy = 'Hyperband';
    $criteria := $merge([
        $completion.targetObjective = null ? {} : {'TargetObjectiveMetricValue': $completion.targetObjective},
        $completion.jobsNotImproving = null ? {} : {
            'BestObjectiveNotImproving': {'MaxNumberOfTrainingJobsNotImproving': $completion.jobsNotImproving}
        },
        $completion.onConvergence ? {'ConvergenceDetected': {'CompleteOnConvergence': 'Enabled'}} : {}
    ]);
    $merge([
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
            'TrainingJobEarlyStoppingType': $tuning.earlyStopping,
            'RandomSeed': $run.input.seed
        },
        $hyperband ? {'StrategyConfig': {'HyperbandStrategyConfig': {
            'MinResource': $ranges.epochs[0], 'MaxResource': $ranges.epochs[1]
        }}} : {},
        $criteria = {} ? {} : {'TuningJobCompletionCriteria': $criteria}
    ])
)"""
