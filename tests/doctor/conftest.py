"""The application as the doctor sees it, synthesised once; clients of AWS that get given answers."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from doctor import application as applications
from doctor.application import Application, synthesise
from tests.stacks.context import CDK_JSON, feature_flags


@pytest.fixture(scope="session")
def application(tmp_path_factory: pytest.TempPathFactory) -> Application:
    """With the settings' defaults, whatever cdk.json has."""
    root = tmp_path_factory.mktemp("root")
    (root / "cdk.json").write_text(json.dumps({"context": feature_flags(CDK_JSON)}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(applications, "ROOT", root)
        return synthesise({})


@pytest.fixture
def client() -> Iterator[Any]:
    """Makes a client of AWS that gets the given answers: a dictionary, or the code of an error."""
    stubbers = []

    def client(service: str, *answers: tuple[str, dict[str, Any] | str]) -> Any:
        made = boto3.client(
            service,  # type: ignore[call-overload]
            region_name="eu-west-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )
        stubber = Stubber(made)
        for operation, answer in answers:
            if isinstance(answer, str):
                stubber.add_client_error(operation, answer, "what AWS says")
            else:
                stubber.add_response(operation, answer)
        stubber.activate()
        stubbers.append(stubber)
        return made

    yield client
    for stubber in stubbers:
        stubber.assert_no_pending_responses()
