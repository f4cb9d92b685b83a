"""What the topic is told: a short text for whoever reads mail, and the facts as JSON for every other subscriber."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.settings import DEFAULT_NAME
from stacks.states.jsonata import expression, object_of
from stacks.states.retries import retry_call

SUBJECT = 99
"""Characters that SNS takes: ASCII, without line breaks."""

_CONSOLE = """
    $arn := $split($states.context.Execution.Id, ':');
    $console := 'https://' & $arn[3] & '.' & (
        $arn[1] = 'aws-cn' ? 'console.amazonaws.cn'
        : $arn[1] = 'aws-us-gov' ? 'console.amazonaws-us-gov.com'
        : 'console.aws.amazon.com'
    );
"""

EXECUTION = (
    "''",
    "'Execution ' & $states.context.Execution.Name & ':'",
    "$console & '/states/home?region=' & $arn[3] & '#/v2/executions/details/' & $states.context.Execution.Id",
)
"""Lines of the text: the execution and its address in AWS's console."""


def notify(
    scope: Construct,
    id: str,
    topic: sns.ITopic,
    *,
    subject: str,
    lines: Sequence[str],
    facts: Mapping[str, str],
    outputs: Any = None,
) -> tasks.SnsPublish:
    """Publish.

    Parameters
    ----------
    subject, lines, facts
        JSONata: the subject, the lines of the text (one without a value is left out), the values of the JSON.
    """
    protocols = {"default": f"$string({object_of(facts)})", "email": f"$join([{', '.join(lines)}], '\\n')"}
    state = tasks.SnsPublish.jsonata(
        scope,
        id,
        topic=topic,
        subject=expression(f"$substring({subject}, 0, {SUBJECT})"),
        message=sfn.TaskInput.from_text(expression(f"({_CONSOLE} $string({object_of(protocols)}))")),
        message_per_subscription_type=True,
        outputs=outputs,
    )
    retry_call(state)
    return state


def percent(share: str) -> str:
    """JSONata for a share as a percentage, such as 44.5%."""
    return f"$string($round(100 * {share}, 1)) & '%'"


def cost_line(name: str) -> str:
    """JSONata for the line that tells the cost, if it is known, and what is not."""
    without = "($type($cost.notCounted) = 'string' ? ', not counting ' & $cost.notCounted : '')"
    return f"$type($cost.usd) = 'number' ? '{name}: ' & $string($round($cost.usd, 2)) & ' USD' & {without}"


def counted_right(evaluation: str) -> str:
    """JSONata for how well a model counts, from its evaluation."""
    return (
        f"{percent(evaluation + '.accuracy')} & ' of ' & $string({evaluation}.images) & ' test photos (95% interval '"
        f" & {percent(evaluation + '.interval[0]')} & ' to ' & {percent(evaluation + '.interval[1]')} & ')'"
    )


def report_lines(uri: str) -> tuple[str, ...]:
    """Lines of the text: a report's S3 URI (JSONata) and where AWS's console shows it."""
    path = f"$substringAfter({uri}, 's3://')"
    bucket, key = f"$substringBefore({path}, '/')", f"$substringAfter({path}, '/')"
    return (
        "''",
        f"'Report ' & {uri} & ':'",
        f"$console & '/s3/object/' & {bucket} & '?region=' & $arn[3] & '&prefix=' & {key}",
    )


def of_deployment(name: str) -> str:
    """The end of a `make` command that is about a deployment of another name."""
    return "" if name == DEFAULT_NAME else f" DEPLOYMENT={name}"
