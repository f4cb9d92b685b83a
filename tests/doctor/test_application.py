"""What the doctor asks about is what would be deployed."""

import json
import re

import pytest

from doctor.application import Application, synthesise
from doctor.templates import Place
from stacks.settings import InvalidSetting

PLACE = Place("aws", "us-east-1", "123456789012")


def test_the_definitions_are_those_that_would_be_created(application: Application) -> None:
    # Given templates that import from each other, Then their references are the account's ARNs and nothing is left.
    texts = {json.loads(text)["StartAt"]: text for text in application.definitions(PLACE)}
    assert texts.keys() == {"Plan", "Read live model"}
    for text in texts.values():
        states = json.loads(text)["States"]
        [function, *_] = [state for state in states.values() if "lambda:invoke" in state.get("Resource", "")]
        assert function["Arguments"]["FunctionName"].startswith("arn:aws:lambda:us-east-1:123456789012:function:")
        assert states["Notify failure"]["Arguments"]["TopicArn"].startswith("arn:aws:sns:us-east-1:123456789012:")
        assert not re.search(r"Fn::|\$\{|AWS::|Exports?Output", text)


def test_the_images_are_those_of_the_region(application: Application) -> None:
    # Given a region, Then every image is its registry's; Given one that AWS publishes none in, Then that is told.
    uris, complete = application.images(PLACE)
    assert complete
    assert {uri.partition("/")[0] for uri in uris} == {"763104351884.dkr.ecr.us-east-1.amazonaws.com"}
    assert {uri.partition("/")[2].partition(":")[0] for uri in uris} == {"pytorch", "ray"}
    assert len(uris) == 3
    _, complete = application.images(Place("aws", "nowhere-1", "123456789012"))
    assert not complete


def test_the_bootstrap_version_is_the_templates(application: Application) -> None:
    rules = application.templates["Stocktake-Workflow"]["Rules"]["CheckBootstrapVersion"]["Assertions"]
    (refused,) = re.findall(r"\[\[(.*?)\]", json.dumps(rules[0]["Assert"]))
    assert str(application.bootstrap.version) not in refused
    assert str(application.bootstrap.version - 1) in refused
    assert application.bootstrap.parameter == "/cdk-bootstrap/hnb659fds/version"


def test_a_wrong_setting_is_told_as_at_synth() -> None:
    with pytest.raises(InvalidSetting, match="setting name: "):
        synthesise({"name": "No Name"})
