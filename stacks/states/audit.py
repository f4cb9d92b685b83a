"""Audit: bins are counted by a job, compared with their records, and whoever wants to know is told."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.checks import OBJECT_KEYS
from stacks.settings import DeploymentSettings
from stacks.states.aws_call import call_aws
from stacks.states.champion import LIVE_PACKAGE
from stacks.states.cost import UNKNOWN_COST
from stacks.states.ended import fail_on_problem, problem
from stacks.states.failure import Failure, catch_everything, notify_and_fail
from stacks.states.invoke import invoke
from stacks.states.jsonata import UNIQUE_EXECUTION, expression
from stacks.states.notification import EXECUTION, cost_line, notify, report_lines
from stacks.states.processing_job import OUTPUT, SECONDS, describe_job, processing_job, source
from stacks.states.quota import wait_for_quota
from stacks.states.target import STACK_ID, Target

_RESULTS = "$audit.uri & '/results'"


def audit(
    scope: Construct,
    settings: DeploymentSettings,
    *,
    plan: lambda_.IFunction,
    price: lambda_.IFunction,
    role: iam.IRole,
    job_arns: str,
    image: str,
    code_uri: str,
    data_bucket: s3.IBucket,
    target: Target,
    topic: sns.ITopic,
) -> sfn.Chain:
    """The whole machine; its output is in docs/audit.md."""
    failure = Failure(notify_and_fail(scope, topic, "an audit"))
    live = call_aws(
        scope,
        "Read live model",
        "cloudformation:describeStacks",
        [target.stack_arn],
        {"StackName": target.stack_name},
        comment="Which model package the endpoint's stack serves.",
        assign={"live": expression(f"($package := {LIVE_PACKAGE}; $package = '' ? null : $package)")},
        outputs=expression("$states.input"),
        wildcard=STACK_ID,
    )
    planned = invoke(
        scope,
        "Plan audit",
        plan,
        sfn.TaskInput.from_object(
            {
                "input": expression("$states.input"),
                "live": expression("$live"),
                "execution": UNIQUE_EXECUTION,
            }
        ),
        comment="Checks the input, finds the model, and lists the bins.",
        assign={"audit": expression("$states.result.Payload"), "seconds": 0},
    )
    job = processing_job(
        scope,
        "Count bins",
        comment="Each batch of bins is written once it is counted; what is there is not counted again.",
        settings=settings,
        name="$audit.job",
        role=role,
        image=image,
        instance_type=expression("$audit.input.instanceType"),
        instance_count=expression("$audit.input.instanceCount"),
        isolated=False,
        max_seconds="$audit.input.maxRunSeconds",
        code_uri=code_uri,
        script="audit.py",
        arguments=f"""$append(
            [
                '--model', 'input/model', '--batches', 'input/batches', '--source', $audit.source.uri,
                '--precision', $audit.model.precision, '--output', '{OUTPUT}', '--results', {_RESULTS}
            ],
            $append(
                $audit.source.anonymous ? ['--anonymous'] : [],
                $append(
                    $audit.model.bins = null ? [] : ['--learned', 'input/learned'],
                    $audit.model.known ? [] : ['--learned-unknown']
                )
            )
        )""",
        inputs=f"""$append(
            [{source("model", "$audit.model.artifact")}, {source("batches", "$audit.uri & '/batches/'")}],
            $audit.model.bins = null ? [] : [{source("learned", "$audit.model.bins")}]
        )""",
        output_uri="$audit.uri & '/job'",
        output={"jobName": expression("$states.result.ProcessingJobName")},
    )
    described = describe_job(
        scope,
        "Describe audit",
        job_arns,
        assign={"seconds": expression(SECONDS)},
        outputs={"problem": expression(problem())},
    )
    read = call_aws(
        scope,
        "Read audit",
        "s3:getObject",
        [data_bucket.arn_for_objects("audits/*")],
        {
            "Bucket": expression("$audit.bucket"),
            "Key": expression("$audit.prefix & '/results/summary.json'"),
        },
        comment="How many bins there are of each outcome, and by recorded count.",
        assign={"summary": expression("$parse($states.result.Body)")},
        wildcard=OBJECT_KEYS,
    )
    ready = (
        sfn.Choice.jsonata(
            scope,
            "Audited already?",
            comment="An audit's id is a hash of what its result follows from, so one that is there is told again.",
        )
        .when(sfn.Condition.jsonata(expression("$audit.ready")), read)
        .otherwise(
            failure.catch(wait_for_quota(scope, job, failure))
            .next(failure.catch(described))
            .next(fail_on_problem(scope, job.id, failure).otherwise(failure.catch(read)))
        )
    )
    read.next(_end(scope, price, topic))
    return failure.catch(live).next(failure.catch(planned)).next(ready)


def _end(scope: Construct, price: lambda_.IFunction, topic: sns.ITopic) -> sfn.IChainable:
    cost = invoke(
        scope,
        "Add up cost of audit",
        price,
        sfn.TaskInput.from_object({"audit": expression("$audit"), "seconds": expression("$seconds")}),
        comment="The job's price; its failure changes nothing.",
        assign={"cost": expression("$states.result.Payload")},
        outputs={},
    )
    output = sfn.Pass.jsonata(
        scope,
        "Summarise audit",
        comment="Puts the execution's output together.",
        outputs={
            "model": {"packageArn": expression("$audit.model.packageArn")},
            "source": expression("$audit.source.uri"),
            "pageUri": expression(f"{_RESULTS} & '/index.html'"),
            "tableUri": expression(f"{_RESULTS} & '/audit.csv'"),
            "summary": expression("$summary"),
            "seconds": expression("$seconds"),
            "cost": expression("$cost"),
        },
    )
    scored = "$sum([0, $states.input.summary.outcomes.scored])"
    judged = "$states.input.summary.errorRate.bins > 0"
    wrong = "$string($round($sum([0, $states.input.summary.byRecorded.*.expectedWrong])))"
    told = notify(
        scope,
        "Tell of audit",
        topic,
        subject=f"""'Stocktake: audit of ' & $string($states.input.summary.bins) & ' bins'
            & ({judged} ? ', about ' & {wrong} & ' wrong' : '')""",
        lines=[
            f"$string({scored}) & ' of ' & $string($states.input.summary.bins) & ' bins have a record that the model "
            f"can judge; ' & ({judged} ? 'it expects about ' & {wrong} & ' of them to be wrong.'"
            f" : 'how many of them are wrong cannot be estimated, as it has learned from all of them.')",
            "'The page lists those first that are most probably wrong, with their photos.'",
            cost_line("Cost"),
            *report_lines("$states.input.pageUri"),
            *EXECUTION,
        ],
        facts={"execution": "$states.context.Execution.Id", "output": "$states.input"},
        outputs=expression("$states.input"),
    )
    done = sfn.Succeed.jsonata(scope, "Done")
    # The audit is done: neither a sum that cannot be told nor a topic that cannot be reached turns it into a failure.
    catch_everything(cost, output, assign=UNKNOWN_COST)
    catch_everything(told, done, outputs=expression("$states.input"))
    return sfn.Chain.start(cost).next(output).next(told).next(done)
