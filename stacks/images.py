"""The AWS Deep Learning Container images, resolved at synth without network.

The account that serves them differs by region; CDK's region facts know it, so a stack without an environment carries
the whole table. Tags are those of the SageMaker Python SDK 3 (`pytorch-amzn2023.json`, `ray-serve.json`).
"""

from aws_cdk import Stack
from aws_cdk.region_info import FactName
from constructs import Construct

TRAINING_CPU = "pytorch:2.13-cpu-amzn2023-sagemaker"
TRAINING_GPU = "pytorch:2.13-cu133-amzn2023-sagemaker"
SERVING_CPU = "ray:serve-ml-sagemaker-cpu-v1"
SERVING_GPU = "ray:serve-ml-sagemaker-cuda-v1"

SERVING_GPU_AMI = "al2-ami-sagemaker-inference-gpu-3-1"
"""What the CUDA 12.9 serving image needs of the instance's drivers."""


def image_uri(scope: Construct, image: str) -> str:
    """URI of a Deep Learning Container in the region that the stack is deployed to."""
    stack = Stack.of(scope)
    account = stack.regional_fact(FactName.DLC_REPOSITORY_ACCOUNT)
    return f"{account}.dkr.ecr.{stack.region}.{stack.url_suffix}/{image}"


def repository_arns(scope: Construct) -> list[str]:
    """ARNs of the repositories that the images come from, for pull permissions."""
    stack = Stack.of(scope)
    account = stack.regional_fact(FactName.DLC_REPOSITORY_ACCOUNT)
    return [
        f"arn:{stack.partition}:ecr:{stack.region}:{account}:repository/{name}"
        for name in sorted({image.split(":")[0] for image in (TRAINING_CPU, SERVING_CPU)})
    ]


def is_gpu(instance_type: str) -> bool:
    """Whether an `ml.` instance type carries an NVIDIA GPU: families g and p."""
    return instance_type.removeprefix("ml.")[0] in "gp"
