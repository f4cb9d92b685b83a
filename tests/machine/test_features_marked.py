"""The object that marks features as complete, written by the state itself in the interpreter that rehearsals have."""

import json
from pathlib import Path
from typing import Any

from tests.rehearsal.emulator import running_emulator


def test_the_mark_is_a_json_object_and_no_text_in_quotes(states: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """When Mark features is run, Then the marker's content is the object that names the job."""
    state = {name: value for name, value in states["Mark features"].items() if name != "Next"} | {"End": True}
    features = {"bucket": "data", "marker": "features/f/complete.json"}
    with running_emulator(tmp_path / "work") as aws:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="data")
        execution = aws.execute(
            {"StartAt": "Mark features", "States": {"Mark features": state}},
            {"jobName": "a-job", "features": features, "seconds": 90},
        )
        assert execution["output"] == {"seconds": 90}, execution
        content = s3.get_object(Bucket="data", Key=features["marker"])["Body"].read()
    assert json.loads(content) == {"jobName": "a-job"}
