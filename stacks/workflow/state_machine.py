"""The state machine: its phases in their order, its log, its permissions."""

from collections.abc import Iterable

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks import images
from stacks.arns import sagemaker_arn
from stacks.checks import Wildcard, accept
from stacks.settings import DeploymentSettings
from stacks.states.dataset import dataset
from stacks.states.evaluate import evaluate
from stacks.states.failure import report_failure
from stacks.states.features import extract_features
from stacks.states.jsonata import expression
from stacks.states.plan import plan
from stacks.states.release import release
from stacks.states.report import report
from stacks.states.target import Target
from stacks.states.train import compare, train
from stacks.states.training_job import TrainingSetup
from stacks.states.tune import tune
from stacks.states.turn import Turn
from stacks.states.weights import stage_weights
from stacks.workflow.functions import Functions
from stacks.workflow.job_roles import JobRoles
from stacks.workflow.tracing import accept_tracing_and_logging, execution_logs


class StateMachine(Construct):
    """The machine, and beside it the states that it is made of: they accept what CDK lets it do for them."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: DeploymentSettings,
        data_bucket: s3.IBucket,
        topic: sns.ITopic,
        functions: Functions,
        roles: JobRoles,
        training: TrainingSetup,
        target: Target,
        permissions: Iterable[iam.PolicyStatement],
    ) -> None:
        super().__init__(scope, id)
        code_uri, job_arns = training.code_uri, sagemaker_arn(self, "processing-job", settings.job_names)
        failure = report_failure(self, topic, functions.add_up_cost, functions.write_report)
        turn = Turn(self, target, failure)
        evaluated = evaluate(
            self,
            settings,
            roles.evaluation,
            job_arns,
            images.image_uri(self, images.TRAINING_CPU),
            code_uri,
            data_bucket,
            target,
            turn.failure,  # A model that was overtaken is compared again in its turn.
        )
        released = release(
            self,
            target,
            data_bucket,
            topic,
            functions.smoke_test,
            functions.approval,
            turn,
            report(self, functions.add_up_cost, functions.write_report, topic, settings.name),
            failure,
            compare=evaluated,
        )
        training_and_release = (
            sfn.Chain.start(dataset(self, functions, data_bucket, settings.map_concurrency, failure))
            .next(stage_weights(self, functions.stage_weights, failure))
            .next(extract_features(self, settings, roles.features, job_arns, code_uri, data_bucket, failure))
            .next(compare(self, training, failure))
            .next(tune(self, training, functions.collect_trials, target.poll_seconds, failure))
            .next(train(self, training, failure))
            .next(evaluated)
            .next(released.new)
        )
        named = sfn.Choice.jsonata(
            self,
            "Package named?",
            comment="With release.package nothing is trained: that package goes to the endpoint.",
        )
        named.when(sfn.Condition.jsonata(expression("$run.input.release.package != null")), released.package)
        definition = plan(self, functions.plan, failure).next(named.otherwise(training_and_release))
        self.machine = sfn.StateMachine(
            self,
            "Default",  # what CDK leaves out of logical ids
            state_machine_name=settings.name,
            comment="From a bucket of photos to a served model: data, training, evaluation, release, report.",
            definition_body=sfn.DefinitionBody.from_chainable(definition),
            query_language=sfn.QueryLanguage.JSONATA,
            timeout=Duration.days(7 + 30),  # the work, and the longest wait for a person
            tracing_enabled=True,
            logs=execution_logs(scope, "ExecutionLogs", settings, settings.name),
        )
        for statement in permissions:
            self.machine.add_to_role_policy(statement)
            if isinstance(statement, Wildcard):
                accept(self, statement.reason, statement)
        accept_tracing_and_logging(self)
        self._accept_map_runs()

    def _accept_map_runs(self) -> None:
        stack = Stack.of(self)
        name = stack.split_arn(self.machine.state_machine_arn, ArnFormat.COLON_RESOURCE_NAME).resource_name

        def runs(label: str = "") -> str:
            return stack.format_arn(
                service="states",
                resource="execution",
                resource_name=f"{name}{label}:*",
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )

        maps = [state.node.id for state in self.node.children if isinstance(state, sfn.DistributedMap)]
        accept(
            self,
            "The runs of a Distributed Map are executions whose names Step Functions makes up.",
            iam.PolicyStatement(actions=["states:DescribeExecution", "states:StopExecution"], resources=[runs()]),
            iam.PolicyStatement(actions=["states:RedriveExecution"], resources=[runs(f"/{label}") for label in maps]),
        )
