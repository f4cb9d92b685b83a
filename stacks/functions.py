"""The Lambda functions that run between the jobs, each with a role of its own."""

import json

from aws_cdk import Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks import assets, images
from stacks.settings import ROOT, DeploymentSettings


class Functions(Construct):
    """Plan, Catalogue, Split, Pack, Seal, Stage weights, Collect trials and Smoke test."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: DeploymentSettings,
        data_bucket: s3.IBucket,
        endpoint_name: str,
    ) -> None:
        super().__init__(scope, id)
        stack = Stack.of(self)
        self._code = lambda_.Code.from_asset(str(ROOT / "lambda"), exclude=["__pycache__", ".*", "requirements.txt"])
        self._layer = lambda_.LayerVersion(
            self,
            "Packages",
            code=lambda_.Code.from_asset(str(assets.layer_folder())),
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_14],
            compatible_architectures=[lambda_.Architecture.X86_64],
            description="Pillow and pydantic",
        )

        def objects(*prefixes: str) -> list[str]:
            return [data_bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]

        def allow(actions: list[str], resources: list[str]) -> iam.PolicyStatement:
            return iam.PolicyStatement(actions=actions, resources=resources)

        def sagemaker(resource: str) -> str:
            return f"arn:{stack.partition}:sagemaker:{stack.region}:{stack.account}:{resource}"

        # Without ListBucket a missing object is answered with 403 instead of 404.
        find = allow(["s3:ListBucket"], [data_bucket.bucket_arn])
        sources = [f"arn:{stack.partition}:s3:::{name}" for name in settings.source_buckets]
        list_sources = allow(["s3:ListBucket", "s3:GetBucketLocation"], sources)
        read_sources = allow(["s3:GetObject"], [f"{arn}/*" for arn in sources])
        work = allow(["s3:GetObject", "s3:PutObject"], objects("datasets/"))

        self.plan = self._function(
            "Plan",
            "plan",
            memory_mb=1769,
            minutes=15,
            statements=[
                find,
                list_sources,
                read_sources,
                work,
                # To see whether an object is there is to read it.
                allow(["s3:GetObject"], objects("features/", "models/", "weights/")),
            ],
            environment={
                "DATA_BUCKET": data_bucket.bucket_name,
                "DEFAULTS": json.dumps(settings.defaults),
                "MANAGED_DEBUGGER": json.dumps(settings.managed_debugger),
                "SOURCE_BUCKETS": json.dumps(settings.source_buckets),
                "TRAINING_IMAGE_CPU": images.image_uri(stack, images.TRAINING_CPU),
                "TRAINING_IMAGE_GPU": images.image_uri(stack, images.TRAINING_GPU),
            },
        )
        self.catalogue = self._function(
            "Catalogue",
            "catalogue",
            memory_mb=1024,
            minutes=15,
            statements=[find, list_sources, read_sources, work],
        )
        self.split = self._function("Split", "split", memory_mb=1769, minutes=15, statements=[find, work])
        self.pack = self._function(
            "Pack",
            "pack",
            memory_mb=3008,
            minutes=15,
            statements=[find, list_sources, read_sources, work],
        )
        self.seal = self._function("Seal", "seal", memory_mb=1024, minutes=15, statements=[find, work])
        self.stage_weights = self._function(
            "StageWeights",
            "stage_weights",
            memory_mb=1769,
            minutes=15,
            statements=[find, allow(["s3:GetObject", "s3:PutObject"], objects("weights/"))],
        )
        self.collect_trials = self._function(
            "CollectTrials",
            "collect_trials",
            memory_mb=512,
            minutes=15,
            statements=[
                allow(
                    ["sagemaker:ListTrainingJobsForHyperParameterTuningJob"],
                    [sagemaker("hyper-parameter-tuning-job/stocktake-*")],
                ),
                allow(["sagemaker:DescribeTrainingJob"], [sagemaker("training-job/stocktake-*")]),
                allow(["s3:PutObject"], objects("reports/")),
            ],
        )
        self.smoke_test = self._function(
            "SmokeTest",
            "smoke_test",
            memory_mb=512,
            minutes=5,
            statements=[
                find,
                allow(["s3:GetObject"], objects("reports/")),
                allow(["sagemaker:InvokeEndpoint"], [sagemaker(f"endpoint/{endpoint_name}")]),
            ],
        )
        self.data_steps = [self.catalogue, self.split, self.pack, self.seal]

    def _function(
        self,
        id: str,
        module: str,
        *,
        memory_mb: int,
        minutes: int,
        statements: list[iam.PolicyStatement],
        environment: dict[str, str] | None = None,
    ) -> lambda_.Function:
        log_group = logs.LogGroup(
            self,
            f"{id}Logs",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            f"{id}Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                "work": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                            resources=[log_group.log_group_arn],
                        ),
                        *statements,
                    ]
                )
            },
        )
        return lambda_.Function(
            self,
            id,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.X86_64,
            code=self._code,
            handler=f"{module}.handler",
            layers=[self._layer],
            role=role.without_policy_updates(),
            memory_size=memory_mb,
            ephemeral_storage_size=Size.mebibytes(512),
            timeout=Duration.minutes(minutes),
            log_group=log_group,
            environment=environment,
        )
