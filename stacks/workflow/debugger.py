"""SageMaker's managed Debugger, for accounts that may still use it: new ones have not since July 2026.

The training code evaluates the same rules itself; these add AWS's own, each a processing job beside the training.
"""

from typing import Any

from aws_cdk import CfnMapping, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from stacks.roles import on_objects, pull_images, write_logs
from stacks.states.jsonata import expression

RULES = ("VanishingGradient", "Overfit", "Overtraining", "PoorWeightInitialization", "LossNotDecreasing")

_REPOSITORY = "sagemaker-debugger-rules"
# The SageMaker Python SDK's table (sagemaker-core 2.27.0, image_uri_config/debugger.json).
_ACCOUNTS = {
    "af-south-1": "314341159256",
    "ap-east-1": "199566480951",
    "ap-northeast-1": "430734990657",
    "ap-northeast-2": "578805364391",
    "ap-northeast-3": "479947661362",
    "ap-south-1": "904829902805",
    "ap-southeast-1": "972752614525",
    "ap-southeast-2": "184798709955",
    "ca-central-1": "519511493484",
    "cn-north-1": "618459771430",
    "cn-northwest-1": "658757709296",
    "eu-central-1": "482524230118",
    "eu-north-1": "314864569078",
    "eu-south-1": "563282790590",
    "eu-west-1": "929884845733",
    "eu-west-2": "250201462417",
    "eu-west-3": "447278800020",
    "me-south-1": "986000313247",
    "sa-east-1": "818342061345",
    "us-east-1": "503895931360",
    "us-east-2": "915447279597",
    "us-gov-west-1": "515509971035",
    "us-west-1": "685455198987",
    "us-west-2": "895741380848",
}


class ManagedDebugger:
    """What has to be added to a training job and to its role."""

    def __init__(self, stack: Stack, data_bucket: s3.IBucket) -> None:
        self._stack = stack
        self._bucket = data_bucket
        accounts = CfnMapping(
            stack, "DebuggerRuleAccounts", mapping={region: {"account": id} for region, id in _ACCOUNTS.items()}
        )
        self._account = accounts.find_in_map(stack.region, "account")

    def training_job_fields(self) -> dict[str, Any]:
        """Fields of CreateTrainingJob. Tensors and verdicts go below `debug/`."""
        folder = f"s3://{self._bucket.bucket_name}/debug/"
        interval = expression("$string($run.input.debugging.saveInterval)")

        image = f"{self._account}.dkr.ecr.{self._stack.region}.{self._stack.url_suffix}/{_REPOSITORY}:latest"
        return {
            "DebugHookConfig": {
                "S3OutputPath": folder,
                "LocalPath": "/opt/ml/output/tensors",
                "HookParameters": {"save_interval": interval},
                "CollectionConfigurations": [
                    {"CollectionName": name, "CollectionParameters": {"save_interval": interval}}
                    for name in ("losses", "gradients", "relu_input")
                ],
            },
            "DebugRuleConfigurations": [
                {
                    "RuleConfigurationName": name,
                    "RuleEvaluatorImage": image,
                    "S3OutputPath": folder,
                    "RuleParameters": {"rule_to_invoke": name},
                }
                for name in RULES
            ],
        }

    def role_statements(self) -> list[iam.PolicyStatement]:
        """What the training role needs besides: the rules' jobs run under it too."""
        stack = self._stack
        return [
            on_objects(self._bucket, ["GetObject", "PutObject"], "debug", sid="KeepDebugOutput"),
            pull_images(
                "PullRules", [f"arn:{stack.partition}:ecr:{stack.region}:{self._account}:repository/{_REPOSITORY}"]
            ),
            write_logs("WriteRuleLogs", stack, "ProcessingJobs*"),
        ]
