"""The state machine with its functions, roles, model package group and schedule."""

from typing import Any

from aws_cdk import CfnOutput, Duration, Fn, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks import assets, images
from stacks.debugger import ManagedDebugger
from stacks.endpoint import EndpointStack
from stacks.functions import Functions
from stacks.job_role import job_role
from stacks.settings import DeploymentSettings
from stacks.states.dataset import dataset
from stacks.states.evaluate import evaluate
from stacks.states.failure import Failure
from stacks.states.features import extract_features
from stacks.states.plan import plan
from stacks.states.release import Target, release
from stacks.states.report import report
from stacks.states.train import compare, train
from stacks.states.training_job import TrainingSetup
from stacks.states.tune import tune
from stacks.states.weights import stage_weights


class WorkflowStack(Stack):
    """One execution goes from the bucket of photos to a served, measured, approved model."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: DeploymentSettings,
        data_bucket: s3.IBucket,
        endpoint: EndpointStack,
        topic: sns.ITopic,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, id, **kwargs)
        self._bucket = data_bucket
        archive, digest = assets.training_archive()
        self._code = s3_assets.Asset(self, "TrainingCode", path=str(archive), asset_hash=digest)
        functions = Functions(
            self,
            "Functions",
            settings=settings,
            data_bucket=data_bucket,
            endpoint_name=endpoint.endpoint_name,
        )
        debugger = ManagedDebugger(self, data_bucket) if settings.managed_debugger else None
        training_role = self._training_role(debugger.role_statements() if debugger else [])
        features_role = self._features_role()
        evaluation_role = self._evaluation_role()
        training = TrainingSetup(
            role=training_role,
            job_arns=self._sagemaker_arn("training-job", "stocktake-*"),
            code_uri=self._code.s3_object_url,
            bucket=data_bucket.bucket_name,
            managed_debugger=debugger.training_job_fields() if debugger else {},
        )
        processing_job_arns = self._sagemaker_arn("processing-job", "stocktake-*")
        target = self._release_target(settings, endpoint)

        failure = Failure(self, topic)
        ending = report(self, topic)
        definition = (
            plan(self, functions.plan, failure)
            .next(dataset(self, functions, data_bucket, settings.map_concurrency, failure))
            .next(stage_weights(self, functions.stage_weights, failure))
            .next(extract_features(self, features_role, processing_job_arns, training.code_uri, data_bucket, failure))
            .next(compare(self, training, failure))
            .next(tune(self, training, functions.collect_trials, failure))
            .next(train(self, training, failure))
            .next(
                evaluate(
                    self,
                    evaluation_role,
                    processing_job_arns,
                    images.image_uri(self, images.TRAINING_CPU),
                    training.code_uri,
                    settings.evaluation_instance_type,
                    data_bucket,
                    failure,
                )
            )
            .next(release(self, target, functions.smoke_test, ending, failure))
        )
        machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=settings.name,
            definition_body=sfn.DefinitionBody.from_chainable(definition),
            query_language=sfn.QueryLanguage.JSONATA,
            timeout=Duration.days(7),
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self,
                    "ExecutionLogs",
                    # Step Functions can only add so many groups to its resource policy unless the name starts so.
                    log_group_name=f"/aws/vendedlogs/states/{settings.name}",
                    retention=logs.RetentionDays.ONE_MONTH,
                    removal_policy=RemovalPolicy.DESTROY,
                ),
                level=sfn.LogLevel.ALL,
                include_execution_data=True,
            ),
        )
        for statement in self._job_statements([training_role, features_role, evaluation_role], endpoint):
            machine.add_to_role_policy(statement)
        if settings.schedule:
            events.Rule(
                self,
                "Schedule",
                schedule=events.Schedule.expression(settings.schedule),
                targets=[targets.SfnStateMachine(machine, input=events.RuleTargetInput.from_object({}))],
            )
        CfnOutput(self, "StateMachineArn", value=machine.state_machine_arn)
        CfnOutput(self, "ModelPackageGroup", value=target.package_group)

    def _training_role(self, more: list[iam.PolicyStatement]) -> iam.Role:
        return job_role(
            self,
            "TrainingRole",
            log_groups="TrainingJobs*",
            statements=[
                self._find_objects(),
                self._read("datasets/*", "features/*", "weights/*", "models/*", "checkpoints/*"),
                iam.PolicyStatement(
                    sid="WriteModel",
                    actions=["s3:PutObject"],
                    resources=self._objects("models/*", "trials/*", "checkpoints/*"),
                ),
                *more,
            ],
        )

    def _features_role(self) -> iam.Role:
        return job_role(
            self,
            "FeaturesRole",
            log_groups="ProcessingJobs*",
            statements=[
                self._find_objects(),
                self._read("datasets/*", "weights/*", "models/*"),
                iam.PolicyStatement(
                    sid="WriteFeatures", actions=["s3:PutObject"], resources=self._objects("features/*")
                ),
            ],
        )

    def _evaluation_role(self) -> iam.Role:
        return job_role(
            self,
            "EvaluationRole",
            log_groups="ProcessingJobs*",
            statements=[
                self._find_objects(),
                self._read("datasets/*", "models/*", "reports/*"),
                iam.PolicyStatement(sid="WriteReport", actions=["s3:PutObject"], resources=self._objects("reports/*")),
            ],
        )

    def _objects(self, *patterns: str) -> list[str]:
        return [self._bucket.arn_for_objects(pattern) for pattern in patterns]

    def _find_objects(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            sid="FindObjects",
            actions=["s3:ListBucket"],
            resources=[self._bucket.bucket_arn, self._code.bucket.bucket_arn],
        )

    def _read(self, *patterns: str) -> iam.PolicyStatement:
        code = self._code.bucket.arn_for_objects(self._code.s3_object_key)
        return iam.PolicyStatement(
            sid="ReadObjects", actions=["s3:GetObject"], resources=[*self._objects(*patterns), code]
        )

    def _release_target(self, settings: DeploymentSettings, endpoint: EndpointStack) -> Target:
        # Model packages outlive the stack, and a group with packages cannot be deleted. The stack's own id in its name
        # lets the next deployment start with a group of its own.
        stack_guid = Fn.select(2, Fn.split("/", self.stack_id))
        name = Fn.join("-", [settings.name, Fn.select(0, Fn.split("-", stack_guid))])
        group = sagemaker.CfnModelPackageGroup(
            self,
            "Models",
            model_package_group_name=name,
            model_package_group_description="Models that Stocktake trained, with their evaluation",
        )
        group.apply_removal_policy(RemovalPolicy.RETAIN)
        return Target(
            stack_name=endpoint.stack_name,
            stack_arn=self.format_arn(
                service="cloudformation", resource="stack", resource_name=f"{endpoint.stack_name}/*"
            ),
            update_role_arn=endpoint.update_role.role_arn,
            endpoint_name=endpoint.endpoint_name,
            endpoint_arn=self._sagemaker_arn("endpoint", endpoint.endpoint_name),
            package_group=group.model_package_group_name,
            package_group_arn=group.attr_model_package_group_arn,
            package_arns=self._sagemaker_arn("model-package", f"{group.model_package_group_name}/*"),
            serving_image=images.image_uri(
                self,
                images.SERVING_GPU if images.is_gpu(settings.endpoint_instance_type) else images.SERVING_CPU,
            ),
            serving_instance_type=settings.endpoint_instance_type,
            poll_seconds=settings.poll_seconds,
        )

    def _job_statements(self, job_roles: list[iam.Role], endpoint: EndpointStack) -> list[iam.PolicyStatement]:
        """What `.sync` SageMaker states and `updateStack` need; CDK knows it of neither."""
        kinds = {
            "TrainingJob": "training-job",
            "ProcessingJob": "processing-job",
            "HyperParameterTuningJob": "hyper-parameter-tuning-job",
        }
        jobs = [self._sagemaker_arn(kind, "stocktake-*") for kind in kinds.values()]
        return [
            iam.PolicyStatement(
                sid="RunJobs",
                actions=[f"sagemaker:{verb}{kind}" for kind in kinds for verb in ("Create", "Describe", "Stop")]
                + ["sagemaker:AddTags", "sagemaker:ListTags"],
                resources=jobs,
            ),
            iam.PolicyStatement(
                sid="PassJobRoles",
                actions=["iam:PassRole"],
                resources=[role.role_arn for role in job_roles],
                conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            ),
            iam.PolicyStatement(
                sid="HearOfJobs",
                actions=["events:PutTargets", "events:PutRule", "events:DescribeRule"],
                resources=[
                    self.format_arn(
                        service="events",
                        resource="rule",
                        resource_name=f"StepFunctionsGetEventsForSageMaker{kind}JobsRule",
                    )
                    for kind in ("Training", "Processing", "Tuning")
                ],
            ),
            # CreateModelPackage looks up the image's digest and the artifact with the caller's permissions.
            iam.PolicyStatement(
                sid="RegisterImage",
                actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                resources=images.repository_arns(self),
            ),
            iam.PolicyStatement(sid="FindModel", actions=["s3:ListBucket"], resources=[self._bucket.bucket_arn]),
            iam.PolicyStatement(
                sid="PassUpdateRole",
                actions=["iam:PassRole"],
                resources=[endpoint.update_role.role_arn],
                conditions={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
            ),
        ]

    def _sagemaker_arn(self, kind: str, name: str) -> str:
        return self.format_arn(service="sagemaker", resource=kind, resource_name=name)
