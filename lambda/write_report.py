"""Write report: the page of the whole execution, whatever became of it."""

import os
from typing import Any

import storage
from execution_report.page import render
from execution_report.told import gather
from run.naming import run_name


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Write the page into the execution's folder of reports; the result is its `uri`.

    Args:
        event: what `execution_report.told.Told` is made of.
    """
    bucket = os.environ["DATA_BUCKET"]
    name = run_name(f"{event['execution']['id']} {event['execution']['start']}")
    key = f"reports/{name}/index.html"
    code = {"training code": os.environ["TRAINING_CODE"], "functions": os.environ["FUNCTIONS_CODE"]}
    page = render(gather(event), code)
    storage.write(bucket, key, page.encode(), "text/html; charset=utf-8")
    return {"uri": f"s3://{bucket}/{key}"}
