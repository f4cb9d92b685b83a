"""What an audit costs: estimated from its input, and billed from what ran."""

from typing import Any

import pytest

import price_audit
from run.validation import InvalidInput

pytestmark = pytest.mark.usefixtures("no_price_list")


def test_an_estimate_worked_out_by_hand() -> None:
    # given all 535,000 bins on two ml.m7i.xlarge, 105 ms a photo on each of their two cores, 180 s to start
    found = price_audit.handler({"input": {"instanceCount": 2}}, None)
    seconds = 180 + 535_000 * 0.105 / 2 / 2
    [job, requests] = found["lines"]
    assert job["seconds"] == pytest.approx(seconds, abs=1)
    assert job["usd"] == pytest.approx(2 * seconds * 0.242 / 3600, rel=0.01)
    # and two requests a bin at 0.0004 USD a thousand
    assert requests["usd"] == pytest.approx(0.428)
    assert found["usd"] == pytest.approx(job["usd"] + requests["usd"], abs=1e-3)
    assert found["input"]["instanceType"] == "ml.m7i.xlarge"
    assert any("535,000" in sentence for sentence in found["assumptions"])


def test_a_fraction_and_a_list_cost_less() -> None:
    whole = price_audit.handler({"input": {}}, None)["usd"]
    tenth = price_audit.handler({"input": {"dataset": {"fraction": 0.1}}}, None)["usd"]
    listed = price_audit.handler({"input": {"dataset": {"files": "s3://aft-vbi-pds/lists/a.json"}}}, None)["usd"]
    assert tenth == pytest.approx(whole / 10, rel=0.05)
    assert listed < tenth


def test_what_ran_is_billed_on_every_instance() -> None:
    audit: dict[str, Any] = {"input": {"instanceType": "ml.m7i.xlarge", "instanceCount": 3}, "bins": 1000}
    found = price_audit.handler({"audit": audit, "seconds": 600}, None)
    assert found["lines"][0]["usd"] == pytest.approx(3 * 600 * 0.242 / 3600, rel=0.01)
    # one that was there already cost nothing
    assert price_audit.handler({"audit": audit, "seconds": 0}, None)["usd"] == 0


def test_a_wrong_input_is_refused_before_anything_costs() -> None:
    with pytest.raises(InvalidInput, match="instanceCount: 0 was given"):
        price_audit.handler({"input": {"instanceCount": 0}}, None)
