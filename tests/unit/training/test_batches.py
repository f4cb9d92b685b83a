"""How the batches of an epoch are shared among processes."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from stocktake.data.batches import Share, epoch_batches


@given(st.integers(1, 300), st.integers(1, 70), st.integers(1, 5), st.integers(0, 3))
def test_processes_with_the_same_images_deal_out_the_batches_of_a_single_one(
    images: int, batch_size: int, processes: int, seed: int
) -> None:
    shares = [Share.of([("same", images)] * processes, rank) for rank in range(processes)]
    epochs = [share.epoch(batch_size, seed, 2) for share in shares]
    alone = epoch_batches(images, batch_size, seed, 2)
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
