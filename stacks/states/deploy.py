"""Deploy: put a package behind the endpoint, see that it is the one that serves, try it, and take it back if it fails.

The endpoint belongs to its CloudFormation stack; deploying is an update of that stack's parameter. The same states take
a model back: they set the parameter to another package, or to nothing.
"""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.endpoint.stack import PARAMETER
from stacks.states.aws_call import call_aws
from stacks.states.failure import Failure, catch_everything
from stacks.states.invoke import invoke
from stacks.states.jsonata import ERROR, NULL, SENTENCE, expression
from stacks.states.retries import retry_call
from stacks.states.target import NUMBERED, STACK_ID, Target

SERVED = f"$states.result.Stacks[0].Parameters[ParameterKey = '{PARAMETER}'].ParameterValue & ''"
"""JSONata, where the endpoint's stack was described: the package that it is to serve, or an empty text."""
_GENERATED_NAMES = "CloudFormation names models and endpoint configurations."
_PATIENCE = 1800
"""Seconds for which an endpoint is waited for that changes by itself, as one that scales."""
_CHANGES = "$endpoint.status in ['Updating', 'SystemUpdating', 'RollingBack']"
"""JSONata: whether SageMaker works at the endpoint, whoever wanted that; RollingBack is of a scaling that failed."""


class Deploy:
    """The states of a deployment; `previous` is the package that is behind the endpoint before it.

    Attributes
    ----------
    start
        Where `package` comes to replace another; that it did is noted in the registry.
    update
        Where the stack is told to serve `wanted`, once the endpoint is at rest.
    verify
        Where the endpoint is looked at and tried.
    withdrawn
        The state after which a package that failed is to be replaced; the next one is the caller's.
    tested
        The last state when all went well; the next one is the caller's.
    """

    def __init__(self, scope: Construct, target: Target, smoke_test: lambda_.IFunction, failure: Failure) -> None:
        self._scope, self._target, self._failure = scope, target, failure
        self._looks = _PATIENCE // target.poll_seconds
        self.start = self._call(
            "Note what it replaces",
            "sagemaker:updateModelPackage",
            [target.package_arns],
            {
                "ModelPackageArn": expression("$package"),
                "CustomerMetadataProperties": {"replaced": expression("$previous = '' ? 'none' : $previous")},
            },
            {"wanted": expression("$package")},
            NUMBERED,
            comment="In the package's metadata: the way back.",
        )
        self.withdrawn = self._call(
            "Withdraw package",
            "sagemaker:updateModelPackage",
            [target.package_arns],
            {
                "ModelPackageArn": expression("$package"),
                "ModelApprovalStatus": "Rejected",
                "ApprovalDescription": expression(r"$substring($replace($failure.cause, /\s+/, ' '), 0, 1024)"),
            },
            {"stackReason": NULL},
            NUMBERED,
            comment="It serves wrongly: rejected, so that nobody goes back to it. A description is one line.",
        )
        self.tested = self._smoke_test(smoke_test)
        self.verify = self._verify()
        self.update = self._when_at_rest(self._update())
        self.start.next(self.update)

    def _call(
        self,
        name: str,
        action: str,
        resources: list[str],
        parameters: Mapping[str, object],
        assign: Mapping[str, object],
        wildcard: str | None = None,
        comment: str | None = None,
    ) -> tasks.CallAwsService:
        state = call_aws(
            self._scope, name, action, resources, parameters, assign=assign, wildcard=wildcard, comment=comment
        )
        return self._failure.catch(state)

    def _look(self, name: str, known: Mapping[str, object], comment: str) -> tasks.CallAwsService:
        status = {
            "name": expression("$states.result.EndpointName"),
            "status": expression("$states.result.EndpointStatus"),
        }
        target = self._target
        return self._call(
            name,
            "sagemaker:describeEndpoint",
            [target.endpoint_arn],
            {"EndpointName": target.endpoint_name},
            {"endpoint": status, **known},
            comment=comment,
        )

    def _wait(self, name: str, look: sfn.IChainable) -> sfn.Wait:
        seconds = Duration.seconds(self._target.poll_seconds)
        wait = sfn.Wait.jsonata(self._scope, name, time=sfn.WaitTime.duration(seconds))
        wait.next(look)
        return wait

    def _when_at_rest(self, update: sfn.IChainable) -> sfn.Choice:
        """SageMaker refuses to update an endpoint that is scaled at the moment, or that it updates by itself.

        Scaling may still begin after the look; that is rare.
        """
        look = self._look("Look at endpoint", {}, "An endpoint that changes cannot be updated.")
        rests = sfn.Choice.jsonata(self._scope, "Endpoint at rest?", comment="Scaling ends in minutes.")
        rests.when(
            sfn.Condition.jsonata(expression(f"{_CHANGES} and $looks < {self._looks}")),
            self._wait("Wait for endpoint", look),
            assign={"looks": expression("$looks + 1")},
        ).otherwise(update)
        look.next(rests)
        there = sfn.Choice.jsonata(
            self._scope, "Endpoint there?", comment="There is none before the first package, unless that is taken back."
        )
        there.when(sfn.Condition.jsonata(expression("$previous = '' and $failure = null")), update)
        return there.when(sfn.Condition.jsonata(expression("true")), look, assign={"looks": 0})

    def _update(self) -> tasks.CallAwsService:
        """Leads to `verify` when `package` is to serve, and to the failure when another one had to take its place."""
        target, failure = self._target, self._failure
        update = self._call(
            "Update endpoint stack",
            "cloudformation:updateStack",
            [target.stack_arn],
            {
                "StackName": target.stack_name,
                "UsePreviousTemplate": True,
                "Capabilities": ["CAPABILITY_IAM"],
                "RoleARN": target.update_role_arn,
                "Parameters": [{"ParameterKey": PARAMETER, "ParameterValue": expression("$wanted")}],
                # A second try after a lost answer finds the update that the first one began.
                "ClientRequestToken": expression("$hash($states.context.Execution.Id & $wanted, 'MD5')"),
            },
            {},
            STACK_ID,
            comment="Another ModelPackageArn: blue/green, rolled back by alarms.",
        )
        stack = "$states.result.Stacks[0]"
        look = self._call(
            "Describe endpoint stack",
            "cloudformation:describeStacks",
            [target.stack_arn],
            {"StackName": target.stack_name},
            {
                "stackStatus": expression(f"{stack}.StackStatus"),
                # Told while the stack rolls back, and gone from its final status.
                "stackReason": expression(
                    f"$exists({stack}.StackStatusReason) ? {stack}.StackStatusReason : $stackReason"
                ),
            },
            STACK_ID,
        )
        wait = self._wait("Wait for endpoint stack", look)
        settled = sfn.Choice.jsonata(
            self._scope, "Endpoint stack settled?", comment="While the update goes on, look again."
        )
        settled.when(sfn.Condition.jsonata(expression("$contains($stackStatus, /_IN_PROGRESS$/)")), wait)
        settled.when(
            sfn.Condition.jsonata(expression("$stackStatus = 'UPDATE_COMPLETE' and $wanted = $package")), self.verify
        )
        # Taken back; `failure` says why.
        settled.when(sfn.Condition.jsonata(expression("$stackStatus = 'UPDATE_COMPLETE'")), failure.start)
        settled.otherwise(
            sfn.Pass.jsonata(
                self._scope,
                "Endpoint stack failed",
                comment="CloudFormation has rolled the update back.",
                assign=failure.of("Deploy", "'DeployFailed'", _why_failed(target)),
            ).next(failure.start)
        )
        update.next(wait)
        look.next(settled)
        return update

    def _verify(self) -> sfn.Pass:
        """A stack whose update is complete may have an endpoint that has gone back to what it had before.

        That may be gone then: CloudFormation has cleaned up what the complete update replaced.
        """
        scope, target = self._scope, self._target
        start = sfn.Pass.jsonata(scope, "See what serves", assign={"looks": 0})
        endpoint = self._look(
            "Describe endpoint",
            {"serving": expression("$states.result.EndpointConfigName"), "decision": "deployed"},
            "A complete update may have left an endpoint that went back: see what it serves.",
        )
        gone = sfn.Choice.jsonata(scope, "What serves is gone?", comment="Then it is not what the stack has just made.")
        gone.when(
            sfn.Condition.jsonata(expression("$contains($failure.cause, 'Could not find')")),
            self.withdrawn,
            assign=self._not_served(),
        ).otherwise(self._failure.start)
        configuration = self._described(
            gone,
            "Describe endpoint configuration",
            "sagemaker:describeEndpointConfig",
            [target.endpoint_config_arns],
            {"EndpointConfigName": expression("$serving")},
            "$states.result.ProductionVariants[0].ModelName",
        )
        model = self._described(
            gone,
            "Describe served model",
            "sagemaker:describeModel",
            [target.model_arns],
            {"ModelName": expression("$serving")},
            "$states.result.PrimaryContainer.ModelPackageName & ''",
        )
        serves = sfn.Choice.jsonata(scope, "Package serves?", comment="In service, with the package that was deployed.")
        serves.when(
            sfn.Condition.jsonata(expression(f"$serving = $package and {_CHANGES} and $looks < {self._looks}")),
            self._wait("Wait until it rests", endpoint),
            assign={"looks": expression("$looks + 1")},
        ).when(
            # One that still changes answers, too.
            sfn.Condition.jsonata(
                expression(f"$serving = $package and ($endpoint.status = 'InService' or {_CHANGES})")
            ),
            self.tested,
        ).when(sfn.Condition.jsonata(expression("true")), self.withdrawn, assign=self._not_served())
        start.next(endpoint).next(configuration).next(model).next(serves)
        return start

    def _described(
        self,
        unknown: sfn.Choice,
        name: str,
        action: str,
        resources: list[str],
        parameters: Mapping[str, object],
        serving: str,
    ) -> tasks.CallAwsService:
        """What the endpoint has; where that is not told, `unknown` comes next."""
        state = call_aws(
            self._scope,
            name,
            action,
            resources,
            parameters,
            assign={"serving": expression(serving)},
            wildcard=_GENERATED_NAMES,
        )
        state.add_catch(unknown, errors=["States.TaskFailed"], assign=self._failure.of(name, ERROR, SENTENCE))
        return self._failure.catch(state)

    def _not_served(self) -> dict[str, object]:
        return self._failure.of(
            "Deploy",
            "'NotServed'",
            "'the stack was updated, and endpoint ' & $endpoint.name & ' is ' & $endpoint.status & ' and serves '"
            "& $serving & ' instead of ' & $package",
        )

    def _smoke_test(self, function: lambda_.IFunction) -> tasks.LambdaInvoke:
        """Its cause is kept while another package is put in place, and ends the execution afterwards."""
        test = invoke(
            self._scope,
            "Smoke test",
            function,
            sfn.TaskInput.from_object(
                {
                    "endpoint": expression("$endpoint.name"),
                    "package": expression("$package"),
                    "report": expression("$run.report"),
                }
            ),
            comment="Test photos through the live endpoint, compared with the evaluation.",
            assign={"smokeTest": expression("$states.result.Payload")},
            outputs={},
        )
        retry_call(test, answers=["SmokeTestFailed", "Sandbox.Timedout"])
        failed = self._failure.of("Smoke test", "$states.errorOutput.Error", SENTENCE)
        return catch_everything(test, self.withdrawn, assign=failed, outputs={})


def _why_failed(target: Target) -> str:
    """JSONata: how the endpoint's stack ended, what serves now, and where to look."""
    return f"""
        'stack {target.stack_name} ended in ' & $stackStatus & ($stackReason != null ? ': ' & $stackReason : '')
        & ($stackStatus = 'UPDATE_ROLLBACK_COMPLETE' and $wanted = $package ?
            '; ' & ($previous = '' ? 'there is no endpoint, as before' : $previous & ' serves as before'))
        & '. If the model did not start, its log says why: aws logs tail '
        & '/aws/sagemaker/Endpoints/{target.endpoint_name} --since 1h. What else failed is told by: '
        & 'aws cloudformation describe-stack-events --stack-name '
        & '{target.stack_name}' & ($failure != null ? '; before that, ' & $failure.state & ': ' & $failure.cause)
    """
