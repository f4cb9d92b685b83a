"""The Lambda functions that run between the jobs: what each may do, and how large it is."""

import json
from functools import partial

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks import assets, images
from stacks.arns import sagemaker_arn
from stacks.checks import JOB_NAMES, Wildcard
from stacks.roles import on_objects, read_sources
from stacks.settings import DeploymentSettings
from stacks.states.target import NUMBERED, Target
from stacks.workflow.function import Function


class Functions(Construct):
    """Plan, Catalogue, Split, Pack, Seal, Stage weights, Collect trials, Approval, Smoke test, report and costs."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: DeploymentSettings,
        data_bucket: s3.IBucket,
        target: Target,
    ) -> None:
        super().__init__(scope, id)
        packages = lambda_.LayerVersion(
            self,
            "Packages",
            code=lambda_.Code.from_asset(str(assets.layer_folder())),
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_14],
            compatible_architectures=[lambda_.Architecture.X86_64],
            description="Jinja2, Pillow and pydantic",
        )
        folder = assets.functions_folder()
        code = lambda_.Code.from_asset(str(folder))
        function = self.make = partial(Function, self, settings=settings, code=code, packages=packages)

        on_data = partial(on_objects, data_bucket)
        # Whoever looks whether an object is there is told 403 of a missing one without ListBucket, and 404 with it.
        find = iam.PolicyStatement(sid="FindObjects", actions=["s3:ListBucket"], resources=[data_bucket.bucket_arn])
        work = on_data(["GetObject", "PutObject"], "datasets", sid="WorkOnDataset")
        sources = read_sources(self, settings.source_buckets)

        self.checked = {
            "DEFAULTS": json.dumps(settings.defaults),
            "MANAGED_DEBUGGER": json.dumps(settings.managed_debugger),
            "SOURCE_BUCKETS": json.dumps(settings.source_buckets),
        }
        self.plan = function(
            "Plan",
            "plan",
            memory_mb=1769,
            minutes=15,
            statements=[
                find,
                *sources,
                work,
                # To see whether an object is there is to read it.
                on_data(["GetObject"], "features", "lists", "models", "weights", sid="SeeWhatIsThere"),
            ],
            environment=self.checked
            | {
                "DATA_BUCKET": data_bucket.bucket_name,
                "JOB_PREFIX": settings.job_prefix,
                "TRAINING_IMAGE_CPU": images.image_uri(self, images.TRAINING_CPU),
                "TRAINING_IMAGE_GPU": images.image_uri(self, images.TRAINING_GPU),
            },
        )
        self.catalogue = function(
            "Catalogue",
            "catalogue",
            memory_mb=1024,
            minutes=15,
            statements=[*sources, on_data(["PutObject"], "datasets", sid="WriteCatalogue")],
        )
        self.split = function("Split", "split", memory_mb=1769, minutes=15, statements=[work])
        self.pack = function("Pack", "pack", memory_mb=3008, minutes=15, statements=[*sources, work])
        self.seal = function("Seal", "seal", memory_mb=1024, minutes=15, statements=[work])
        self.stage_weights = function(
            "StageWeights",
            "stage_weights",
            memory_mb=1769,
            minutes=15,
            statements=[find, on_data(["GetObject", "PutObject"], "weights", sid="StageWeights")],
        )
        look_at = partial(self._look_at, settings.job_names)
        self.collect_trials = function(
            "CollectTrials",
            "collect_trials",
            memory_mb=512,
            minutes=15,
            statements=[
                look_at("ListTrials", "ListTrainingJobsForHyperParameterTuningJob", "hyper-parameter-tuning-job"),
                look_at("DescribeTrials", "DescribeTrainingJob", "training-job"),
                on_data(["PutObject"], "reports", sid="WriteComparison"),
            ],
        )
        invoke = iam.PolicyStatement(
            sid="InvokeEndpoint",
            actions=["sagemaker:InvokeEndpoint"],
            resources=[target.endpoint_arn],
        )
        self.approval = function(
            "Approval",
            "approval",
            memory_mb=256,
            minutes=1,
            statements=[
                find,
                on_data(["GetObject", "PutObject"], "approvals", sid="KeepTaskTokens"),
                Wildcard(
                    NUMBERED,
                    sid="ReadDecision",
                    actions=["sagemaker:DescribeModelPackage"],
                    resources=[target.package_arns],
                ),
                Wildcard(
                    "states:SendTaskSuccess knows no resource: whoever has the token may answer.",
                    sid="AnswerExecution",
                    actions=["states:SendTaskSuccess"],
                    resources=["*"],
                ),
            ],
            environment={"DATA_BUCKET": data_bucket.bucket_name},
        )
        self.smoke_test = function(
            "SmokeTest",
            "smoke_test",
            memory_mb=512,
            minutes=5,
            statements=[find, on_data(["GetObject"], "reports", sid="ReadReport"), invoke],
        )
        self.write_report = function(
            "WriteReport",
            "write_report",
            memory_mb=512,
            minutes=1,
            statements=[
                find,
                on_data(["GetObject"], "datasets", "reports", sid="ReadWhatIsReported"),
                on_data(["PutObject"], "reports", sid="WriteReport"),
            ],
            environment={
                "DATA_BUCKET": data_bucket.bucket_name,
                "FUNCTIONS_CODE": folder.name.rpartition("-")[2],
                "TRAINING_CODE": target.code_hash,
            },
        )

        priced = {
            "ENDPOINT_INSTANCES": str(settings.endpoint_instances),
            "ENDPOINT_INSTANCE_TYPE": settings.endpoint_instance_type,
            "EVALUATION_INSTANCE_TYPE": settings.evaluation_type,
        }
        self.add_up_cost = function(
            "AddUpCost", "add_up_cost", memory_mb=512, minutes=1, statements=[self.read_prices()], environment=priced
        )
        self.estimate_cost = function(
            "EstimateCost",
            "estimate_cost",
            memory_mb=512,
            minutes=1,
            statements=[self.read_prices()],
            environment=priced | self.checked,
        )

    @staticmethod
    def read_prices() -> Wildcard:
        """Ask AWS's price list."""
        return Wildcard(
            "AWS's price list knows no resources.", sid="ReadPrices", actions=["pricing:GetProducts"], resources=["*"]
        )

    def _look_at(self, names: str, sid: str, action: str, job: str) -> Wildcard:
        return Wildcard(
            JOB_NAMES, sid=sid, actions=[f"sagemaker:{action}"], resources=[sagemaker_arn(self, job, names)]
        )
