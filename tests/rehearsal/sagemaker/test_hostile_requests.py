"""Whatever is sent to the application in a real Ray Serve cluster, it goes on answering others right."""

from pathlib import Path

import pytest

from rehearsal.bins import write_bins
from tests.rehearsal.sagemaker import hostile_run
from tests.rehearsal.sagemaker.test_ray_cluster import can_isolate


@pytest.mark.slow
@pytest.mark.skipif(not can_isolate(), reason="a network namespace of one's own needs Linux and permission")
def test_hostile_requests_and_mutated_photos_cost_nobody_else_an_answer(tmp_path: Path) -> None:
    # given
    write_bins(tmp_path, count=12, seed=3)
    photos = [photo for photo in sorted((tmp_path / "bin-images").iterdir()) if photo.stat().st_size > 5000][:6]
    # when
    figures = hostile_run.run(photos, requests=60, mutated=100)
    # then no answer says that the server is at fault, but for 503 under load
    answered = [*figures["hostile"].values(), figures["burst"], figures["mutated"], figures["sound"]]
    assert not {status for statuses in answered for status in statuses if status >= "5" and status.isdigit()} - {"503"}
    assert figures["sound"]["right"] > 0
    assert set(figures["sound"]) <= {"right", "503"}
    assert figures["burst"]["200"] > 0
    assert figures["mutated"].get("200", 0) > 0
    assert figures["mutated"].get("400", 0) > 0
    # and it is the same process, which answers as before
    assert figures["sameReplica"]
    assert figures["stillRight"]
