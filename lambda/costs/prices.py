"""SageMaker's prices: live from AWS's price list where it answers at once, else from the table beside this file."""

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

USES = {"Train": "training", "Processing": "processing", "Host": "hosting"}
"""What AWS's usage types call an instance's use, and what it is called here."""

_USAGE = re.compile(rf"(?:[A-Z0-9]+-)?({'|'.join(USES)}):(ml\..+)")
_LIST_REGION = "us-east-1"
"""Where the price list of all regions is asked for."""
_PATIENCE = 6
"""Seconds that live prices are worth: there is the table."""
_AT_ONCE = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Prices:
    """On-demand prices of one region.

    Attributes:
        hours: USD an hour by instance type and use.
        told: where they come from.
    """

    hours: Mapping[tuple[str, str], float]
    told: str

    def hour(self, instance_type: str, use: str) -> float | None:
        """USD an hour for `training`, `processing` or `hosting`; None where it is not known."""
        return self.hours.get((instance_type, use))


def find(region: str, instance_types: Iterable[str]) -> Prices:
    """The prices of these types, all from one source."""
    hours: dict[tuple[str, str], float] = {}
    begun = time.monotonic()
    try:
        for name in sorted(set(instance_types)):
            hours.update(_live(region, name))
            if time.monotonic() - begun > _PATIENCE:
                raise TimeoutError(f"it takes more than {_PATIENCE} seconds")
    except (BotoCoreError, ClientError, TimeoutError) as error:
        print(f"AWS's price list is not used: {error}")
        return tabled(region)
    return Prices(hours, f"AWS Price List, {datetime.now(UTC):%Y-%m-%d}") if hours else tabled(region)


def tabled(region: str) -> Prices:
    """The prices of the table; of most regions it has none."""
    rows: dict[str, dict[str, Any]] = table()["sageMakerHour"].get(region, {})
    # AWS's price list has the same for both, wherever the two are known here.
    rows = {name: ({"processing": row["training"]} if "training" in row else {}) | row for name, row in rows.items()}
    hours = {(name, use): row[use] for name, row in rows.items() for use in USES.values() if use in row}
    return Prices(hours, f"table of {table()['date']} in this repository")


def service(name: str) -> float:
    """USD for one unit of what Lambda, Step Functions or S3 bill."""
    return float(table()["services"][name])


@cache
def table() -> dict[str, Any]:
    """What prices.json holds."""
    content: dict[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text())
    return content


def _live(region: str, instance_type: str) -> Iterator[tuple[tuple[str, str], float]]:
    wanted = {"instanceName": instance_type, "regionCode": region}
    pages = (
        client()
        .get_paginator("get_products")
        .paginate(
            ServiceCode="AmazonSageMaker",
            Filters=[{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()],
        )
    )
    for page in pages:
        for text in page["PriceList"]:
            product = json.loads(text)
            found = _USAGE.fullmatch(product["product"]["attributes"].get("usagetype", ""))
            if found and (usd := _hourly(product)):
                yield (found[2], USES[found[1]]), usd


def _hourly(product: Mapping[str, Any]) -> float | None:
    """The on-demand price of an hour; the list has free and reserved hours, too."""
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            if dimension["unit"] == "Hrs" and (usd := float(dimension["pricePerUnit"].get("USD", 0))):
                return usd
    return None


@cache
def client() -> Any:
    """The price list's client, one for the life of the function's environment."""
    return boto3.client("pricing", region_name=_LIST_REGION, config=_AT_ONCE)
