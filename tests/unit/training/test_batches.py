"""How the batches of an epoch are shared among processes."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocktake.data.batches import Share, epoch_batches
from stocktake.failures import JobFailure


@given(st.integers(1, 300), st.integers(1, 70), st.integers(1, 5), st.integers(0, 3))
def test_processes_with_the_same_images_deal_out_the_batches_of_a_single_one(
    images: int, batch_size: int, processes: int, seed: int
) -> None:
    shares = [Share.of([("same", images)] * processes, rank) for rank in range(processes)]
    epochs = [share.epoch(batch_size, seed, 2) for share in shares]
    alone = epoch_batches(images, batch_size, seed, 2, processes)
    assert all(len(epoch) == len(alone) for epoch in epochs)
    for step, batch in enumerate(alone):
        parts = [epoch[step] for epoch in epochs]
        assert sorted(key for keys, _ in parts for key in keys) == sorted(batch)
        assert {size for _, size in parts} == {len(batch)}


@given(st.lists(st.integers(1, 120), min_size=2, max_size=4), st.integers(1, 50), st.integers(1, 3))
def test_instances_with_shards_of_their_own_see_each_image_once_in_steps_of_equal_number(
    images: list[int], batch_size: int, members: int
) -> None:
    # given instances of unequal parts, each with so many processes
    holdings = [(f"part {node}", number) for node, number in enumerate(images) for _ in range(members)]
    shares = [Share.of(holdings, rank) for rank in range(len(holdings))]
    # when
    epochs = [share.epoch(batch_size, 0, 1) for share in shares]
    # then every process takes part in every step, and all know the size of the whole batch
    [steps] = {len(epoch) for epoch in epochs}
    assert steps == -(-sum(images) // batch_size)
    for step in range(steps):
        assert {epoch[step][1] for epoch in epochs} == {sum(len(epoch[step][0]) for epoch in epochs)}
    # and each image of each instance comes once, with whatever mirroring
    seen = Counter(
        (share.group, index)
        for share, epoch in zip(shares, epochs, strict=True)
        for keys, _ in epoch
        for index, _ in keys
    )
    assert seen == Counter({(node, index): 1 for node, number in enumerate(images) for index in range(number)})


@given(st.integers(1, 300), st.integers(1, 70), st.integers(1, 9))
def test_several_processes_leave_out_only_a_last_batch_that_is_too_small_for_them(
    images: int, batch_size: int, processes: int
) -> None:
    alone, shared = epoch_batches(images, batch_size, 0, 1), epoch_batches(images, batch_size, 0, 1, processes)
    assert shared == alone[: len(shared)]
    assert [len(batch) < min(processes, batch_size) for batch in alone[len(shared) :]] in ([], [True])
    if processes <= 2:
        assert shared == alone


@given(st.lists(st.integers(1, 400), min_size=1, max_size=4), st.integers(1, 4), st.integers(1, 90))
def test_no_process_is_ever_left_without_a_part_of_a_batch(images: list[int], members: int, batch_size: int) -> None:
    """Given any number of instances, with the same shards (one) or their own: it is refused, or everyone has a part."""
    holdings = [(f"part {node}", number) for node, number in enumerate(images) for _ in range(members)]
    shares = [Share.of(holdings, rank) for rank in range(len(holdings))]
    verdicts = []
    for share in shares:
        try:
            share.check(batch_size, len(holdings))
        except JobFailure as failure:
            verdicts.append(str(failure))
        else:
            verdicts.append("")
    # all processes decide alike: one that went on alone would wait for the others for ever
    [verdict] = set(verdicts)
    smallest = min(len(keys) for share in shares for keys, _ in share.epoch(batch_size, 0, 1))
    assert smallest > 0 if not verdict else smallest == 0 or batch_size < len(holdings)


def test_the_issues_case_of_eight_gpus_leaves_nobody_without_an_image() -> None:
    """Batches of 128 on 8 GPUs: of 128 sizes of dataset, those that leave 2 to 7 images for the last batch."""
    for images in range(1024, 1152):
        shares = [Share.of([("same", images)] * 8, rank) for rank in range(8)]
        assert all(keys for share in shares for keys, _ in share.epoch(128, 0, 1))


def test_a_batch_too_small_for_the_processes_is_refused_with_the_remedy() -> None:
    with pytest.raises(JobFailure, match=r"batch-size is 7, but 8 processes .* batch size of at least 8, or fewer"):
        Share.of([("same", 100)] * 8, 0).check(7, 8)
    with pytest.raises(JobFailure, match=r"holds 3 training images, too few for one in each of 21 batches\. Use fewer"):
        Share.of([("large", 200), ("small", 3)], 0).check(10, 2)
    Share.of([("alone", 1)], 0).check(1, 1)
