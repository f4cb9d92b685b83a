"""The application as the doctor sees it, synthesised once."""

import json

import pytest

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
