"""Kinds of tasks and maps that AWS refuses, each with the code and the place of its fault."""

from __future__ import annotations

from tests.rehearsal.definitions.machines import (
    Definition,
    distributed,
    going,
    jsonpath,
    machine,
    optimized,
    passing,
    sdk,
    task,
)

SCHEMA = "SCHEMA_VALIDATION_FAILED"
FIRST = "/States/First"

_TRANSFORM = dict.fromkeys(
    ("TransformJobName", "ModelName", "TransformInput", "TransformOutput", "TransformResources"), "x"
)

CALLS: dict[str, tuple[Definition, str, str | None]] = {
    "no Resource": (machine({"Type": "Task", "End": True}), SCHEMA, FIRST),
    "Resource that is no ARN": (machine(task("count")), SCHEMA, f"{FIRST}/Resource"),
    "function's name for its ARN": (
        machine(task("arn:aws:lambda:us-east-1:123456789012:count")),
        SCHEMA,
        f"{FIRST}/Resource",
    ),
    "unknown service": (machine(sdk("sagemeker:describeEndpoint")), SCHEMA, f"{FIRST}/Resource"),
    "botocore's name for a service": (machine(sdk("stepfunctions:listExecutions")), SCHEMA, f"{FIRST}/Resource"),
    "unknown action": (machine(sdk("sagemaker:describeEndpoints")), SCHEMA, f"{FIRST}/Resource"),
    "action in Pascal case": (
        machine(sdk("sagemaker:DescribeEndpoint", EndpointName="e")),
        SCHEMA,
        f"{FIRST}/Resource",
    ),
    ".sync of an SDK integration": (machine(sdk("sns:publish.sync", Message="m")), SCHEMA, f"{FIRST}/Resource"),
    "arguments that are an array": (machine(task(arguments=[1])), SCHEMA, f"{FIRST}/Arguments"),
    "unknown argument": (machine(sdk("s3:getObject", Bucket="b", Key="k", Path="p")), SCHEMA, f"{FIRST}/Arguments"),
    "argument in camel case": (
        machine(sdk("sfn:startExecution", stateMachineArn="a")),
        SCHEMA,
        f"{FIRST}/Arguments",
    ),
    "unknown argument inside": (
        machine(sdk("cloudformation:updateStack", StackName="s", Parameters=[{"Key": "k", "Value": "v"}])),
        SCHEMA,
        f"{FIRST}/Arguments",
    ),
    "missing argument": (machine(sdk("s3:getObject", Bucket="b")), SCHEMA, f"{FIRST}/Arguments"),
    "unknown integration": (machine(optimized("dynamodb:query")), SCHEMA, f"{FIRST}/Resource"),
    "pattern that an integration lacks": (
        machine(optimized("lambda:invoke.sync", FunctionName="f")),
        SCHEMA,
        f"{FIRST}/Resource",
    ),
    "token beside the payload": (
        machine(optimized("lambda:invoke.waitForTaskToken", FunctionName="f", TaskToken="t")),
        SCHEMA,
        f"{FIRST}/Arguments",
    ),
    "lambda:invoke without a function": (
        machine(optimized("lambda:invoke", Payload={})),
        SCHEMA,
        f"{FIRST}/Arguments",
    ),
    "unknown argument of sns:publish": (
        machine(optimized("sns:publish", TopicArn="t", Body="m")),
        SCHEMA,
        f"{FIRST}/Arguments",
    ),
    "unknown argument of a SageMaker job": (
        machine(
            optimized(
                "sagemaker:createTransformJob.sync",
                **_TRANSFORM,
                Retries=1,
            )
        ),
        SCHEMA,
        f"{FIRST}/Arguments",
    ),
    "Tags with small letters": (
        machine(optimized("sagemaker:createModel", ModelName="m", Tags=[{"key": "k", "value": "v"}])),
        SCHEMA,
        f"{FIRST}/Arguments",
    ),
    "unknown argument of states:startExecution": (
        machine(optimized("states:startExecution.sync:2", StateMachineArn="a", Payload={})),
        SCHEMA,
        f"{FIRST}/Arguments",
    ),
    "credentials without a role": (machine(task(Credentials={})), SCHEMA, f"{FIRST}/Credentials"),
}

MAPS: dict[str, tuple[Definition, str, str | None]] = {
    "map without a processor": (machine({"Type": "Map", "End": True}), SCHEMA, FIRST),
    "processor that is an expression": (
        machine(going(ItemProcessor="{% $x %}")),
        SCHEMA,
        f"{FIRST}/ItemProcessor",
    ),
    "processor without StartAt": (
        machine(going(ItemProcessor={"States": {"Each": passing()}})),
        SCHEMA,
        f"{FIRST}/ItemProcessor",
    ),
    "unknown mode": (
        machine(distributed(Mode="REMOTE")),
        SCHEMA,
        f"{FIRST}/ItemProcessor/ProcessorConfig/Mode",
    ),
    "distributed without a type": (machine(distributed()), SCHEMA, f"{FIRST}/ItemProcessor/ProcessorConfig"),
    "Items in JSONPath": (jsonpath(going(Items=[1])), SCHEMA, FIRST),
    "items that are a number": (machine(going(Items=5)), SCHEMA, f"{FIRST}/Items"),
    "concurrency below 0": (machine(going(MaxConcurrency=-1)), SCHEMA, f"{FIRST}/MaxConcurrency"),
    "more than 100%": (
        machine(going(ToleratedFailurePercentage=101)),
        SCHEMA,
        f"{FIRST}/ToleratedFailurePercentage",
    ),
    "label with a blank": (machine(going(Label="a b")), SCHEMA, f"{FIRST}/Label"),
    "label of 41 characters": (machine(going(Label="x" * 41)), SCHEMA, f"{FIRST}/Label"),
    "reader of another service": (
        machine(going(ItemReader={"Resource": "arn:aws:states:::s3:listBuckets"})),
        SCHEMA,
        f"{FIRST}/ItemReader/Resource",
    ),
    "unknown input type": (
        machine(going(ItemReader={"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "XML"}})),
        SCHEMA,
        f"{FIRST}/ItemReader/ReaderConfig/InputType",
    ),
    "Parameters of a reader in JSONata": (
        machine(going(ItemReader={"Resource": "arn:aws:states:::s3:getObject", "Parameters": {}})),
        SCHEMA,
        f"{FIRST}/ItemReader",
    ),
    "empty writer": (machine(going(ResultWriter={})), SCHEMA, f"{FIRST}/ResultWriter"),
    "batches of 0": (
        machine(going(ItemBatcher={"MaxItemsPerBatch": 0})),
        SCHEMA,
        f"{FIRST}/ItemBatcher/MaxItemsPerBatch",
    ),
    ".sync in an EXPRESS child": (
        machine(
            going(
                ItemProcessor={
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
                    "StartAt": "Each",
                    "States": {"Each": optimized("glue:startJobRun.sync", JobName="j")},
                }
            )
        ),
        SCHEMA,
        f"{FIRST}/ItemProcessor/States/Each/Resource",
    ),
}
