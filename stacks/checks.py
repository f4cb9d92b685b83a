"""cdk-nag's AwsSolutions rules, run at every synth, and the findings that are accepted, each with its reason.

A synth fails on any finding that is not in this list, so a new wildcard has to be argued here first.
"""

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from stacks.settings import DeploymentSettings

_REGIONAL = "<AWS::Region>:<AWS::AccountId>"
_DATA_BUCKET = "ExportsOutputFnGetAttData666C94C7Arn0D7E21B7"
_MACHINE = '{"Fn::Select":[6,{"Fn::Split":[":",{"Ref":"StateMachine2E01A3A5"}]}]}'
_FOLDERS = ("checkpoints", "datasets", "debug", "features", "models", "reports", "trials", "weights")
_JOBS = ("training-job", "processing-job", "hyper-parameter-tuning-job")
_STACK_GUID = '{"Fn::Select":[0,{"Fn::Split":["-",{"Fn::Select":[2,{"Fn::Split":["/",{"Ref":"AWS::StackId"}]}]}]}]}'


def check(app: cdk.App, settings: DeploymentSettings) -> None:
    """Fail the synth on findings that nobody has accepted."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    accepted = {"AwsSolutions-S1": _NO_ACCESS_LOGS}
    accepted |= {f"AwsSolutions-IAM5[Resource::{arn}]": reason for arn, reason in _wildcards(settings).items()}
    cdk.Validations.of(app).acknowledge(
        *(cdk.Acknowledgment(id=f"AwsSolutions::{rule}", reason=reason) for rule, reason in accepted.items())
    )


_NO_ACCESS_LOGS = (
    "The bucket holds copies of public photos and models made from them; CloudTrail data events can be switched on "
    "where an account's rules ask for them, without a second bucket to keep."
)


def _wildcards(settings: DeploymentSettings) -> dict[str, str]:
    """ARN pattern in a policy -> why it has to be a pattern."""
    name = settings.name
    prefix = name.capitalize()
    storage = f"{prefix}-Storage:{_DATA_BUCKET}"

    def sagemaker(resource: str) -> str:
        return f"arn:<AWS::Partition>:sagemaker:{_REGIONAL}:{resource}"

    objects = "Object keys carry dataset, job and execution ids; each role gets only the prefixes it works on."
    jobs = "Job names carry the execution's id."
    suffix = "CloudFormation ends the names of the model and of the configuration with a random suffix."
    children = "The runs of a Distributed Map are executions whose names Step Functions makes up."
    functions = ("Catalogue", "CollectTrials", "Pack", "Plan", "Seal", "SmokeTest", "Split", "StageWeights")
    return {
        "*": "ecr:GetAuthorizationToken, cloudwatch:PutMetricData (limited by namespace), X-Ray, log delivery, "
        "application-autoscaling and cloudwatch:DescribeAlarms know no resources.",
        **{f"{storage}/{folder}/*": objects for folder in _FOLDERS},
        f"arn:<AWS::Partition>:s3:::{prefix}-Storage:ExportsOutputRefData666C94C774A46B8E/*": (
            "CDK's reader of a Distributed Map's items asks for the whole bucket."
        ),
        **{f"arn:<AWS::Partition>:s3:::{bucket}/*": "Any bin may be read." for bucket in settings.source_buckets},
        **{
            f"arn:<AWS::Partition>:logs:{_REGIONAL}:log-group:/aws/sagemaker/{group}{streams}": (
                "SageMaker names the log streams after its jobs and instances."
            )
            for group in ("Endpoints/*", "TrainingJobs*", "ProcessingJobs*")
            for streams in ("", ":*")
        },
        **{sagemaker(f"{kind}/stocktake-*"): jobs for kind in _JOBS},
        **{
            sagemaker(f"{kind}/{start}-*"): suffix
            for kind, start in (
                ("model", "Model"),
                ("model", "model"),
                ("endpoint-config", "EndpointConfig"),
                ("endpoint-config", "endpointconfig"),
            )
        },
        sagemaker(f"model-package/{name}-*/*"): "Packages are numbered, their group ends in the stack's id.",
        sagemaker(f"model-package/{name}-{_STACK_GUID}/*"): "Packages are numbered by SageMaker.",
        f"arn:<AWS::Partition>:cloudformation:{_REGIONAL}:stack/{prefix}-Endpoint/*": (
            "A stack's ARN ends in an id that differs with every creation."
        ),
        f"arn:<AWS::Partition>:cloudwatch:{_REGIONAL}:alarm:TargetTracking-*": (
            "Application Auto Scaling makes up the names of its alarms."
        ),
        "arn:<AWS::Partition>:iam::<AWS::AccountId>:role/aws-service-role/"
        "sagemaker.application-autoscaling.amazonaws.com/*": "The service-linked role's name is AWS's.",
        **{
            f"arn:<AWS::Partition>:states:{_REGIONAL}:execution:{_MACHINE}{run}:*": children
            for run in ("", "/Catalogue", "/Pack")
        },
        **{
            f"<Functions{function}{suffix}.Arn>:*": "CDK grants the function's versions along with the function."
            for function, suffix in zip(functions, _LOGICAL_ID_SUFFIXES, strict=True)
        },
    }


_LOGICAL_ID_SUFFIXES = ("7B31EE44", "505EE8C2", "03AFCA11", "4E462DC6", "F2B34040", "F5F7BC5C", "77872AB0", "513E81B5")
