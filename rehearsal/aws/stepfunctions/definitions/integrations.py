"""Step Functions' optimized integrations: their actions, their patterns, and how their arguments are named.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
"""

from __future__ import annotations


def _actions(plain: str = "", *, sync: str = "", token: str = "", both: str = "") -> dict[str, set[str]]:
    """Action -> its patterns besides request and response, from names with blanks between them."""
    patterns = {
        plain: set[str](),
        sync: {"sync"},
        token: {"waitForTaskToken"},
        both: {"sync", "waitForTaskToken"},
    }
    return {name: offered for names, offered in patterns.items() for name in names.split()}


OPTIMIZED: dict[str, dict[str, set[str]]] = {
    "apigateway": _actions(token="invoke"),
    "athena": _actions("stopQueryExecution getQueryExecution getQueryResults", sync="startQueryExecution"),
    "batch": _actions(sync="submitJob"),
    "bedrock": _actions(sync="createModelCustomizationJob", token="invokeModel"),
    "codebuild": _actions(
        "stopBuild stopBuildBatch deleteBuildBatch batchDeleteBuilds batchGetReports",
        sync="startBuild startBuildBatch retryBuildBatch",
    ),
    "databrew": _actions(sync="startJobRun"),
    "dynamodb": _actions("getItem putItem updateItem deleteItem"),
    "ecs": _actions(both="runTask"),
    "eks": _actions(
        token="call",
        both="runJob createCluster deleteCluster createNodegroup deleteNodegroup"
        " createFargateProfile deleteFargateProfile",
    ),
    "elasticmapreduce": _actions(
        "setClusterTerminationProtection cancelStep modifyInstanceFleetByName modifyInstanceGroupByName",
        sync="createCluster terminateCluster addStep",
    ),
    "emr-containers": _actions("createVirtualCluster", sync="deleteVirtualCluster startJobRun"),
    "emr-serverless": _actions(
        sync="createApplication startApplication stopApplication deleteApplication startJobRun cancelJobRun"
    ),
    "events": _actions(token="putEvents"),
    "glue": _actions(sync="startJobRun"),
    "http": _actions("invoke"),
    "lambda": _actions(token="invoke"),
    "mediaconvert": _actions(sync="createJob"),
    "sagemaker": _actions(
        "createModel createEndpointConfig createEndpoint updateEndpoint",
        sync="createTrainingJob createProcessingJob createTransformJob createHyperParameterTuningJob createLabelingJob",
    ),
    "sns": _actions(token="publish"),
    "sqs": _actions(token="sendMessage"),
    "states": {"startExecution": {"sync", "sync:2", "waitForTaskToken"}},
}
"""Service -> action -> the patterns that it offers besides request and response."""

API_NAMES = {"states": "stepfunctions"}
"""What botocore calls a service if not by the integration's own name."""

OWN_PARAMETERS = {
    ("lambda", "invoke"): {"ClientContext", "FunctionName", "InvocationType", "LogType", "Payload", "Qualifier"},
    ("sagemaker", "createTrainingJob"): {
        *("AlgorithmSpecification", "CheckpointConfig", "DebugHookConfig", "DebugRuleConfigurations"),
        *("EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "EnableNetworkIsolation"),
        *("Environment", "ExperimentConfig", "HyperParameters", "InputDataConfig", "OutputDataConfig"),
        *("ResourceConfig", "RoleArn", "StoppingCondition", "Tags", "TrainingJobName", "VpcConfig"),
    },
    ("sagemaker", "createHyperParameterTuningJob"): {
        *("HyperParameterTuningJobConfig", "HyperParameterTuningJobName", "Tags", "TrainingJobDefinition"),
        "WarmStartConfig",
    },
}
"""Parameters of integrations that take fewer than their API; of SageMaker's those that something public shows."""

WITHOUT_AN_API = {"apigateway", "bedrock", "eks", "elasticmapreduce", "http"}
"""Integrations whose parameters are no API's: theirs are not checked."""
