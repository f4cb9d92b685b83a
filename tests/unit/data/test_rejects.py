from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bins import names
from dataset.rejects import Rejects

found = st.lists(
    st.tuples(st.sampled_from(["no image", "damaged image"]), st.integers(0, 300).map(lambda n: f"{n:05d}")),
    unique_by=lambda pair: pair[1],
    max_size=80,
)


def rejects_of(pairs: list[tuple[str, str]]) -> Rejects:
    rejects = Rejects()
    for reason, name in pairs:
        rejects.add(reason, name)
    return rejects


@given(found, st.integers(0, 80), st.randoms(use_true_random=False))
def test_parts_and_order_do_not_matter(pairs: list[tuple[str, str]], at: int, shuffler: Random) -> None:
    shuffled = shuffler.sample(pairs, len(pairs))
    merged = rejects_of(shuffled[:at])
    merged.merge(Rejects.from_json(rejects_of(shuffled[at:]).to_json()))
    assert merged.to_json() == rejects_of(pairs).to_json()
    for reason, told in merged.to_json().items():
        rejected = sorted((name for its, name in pairs if its == reason), key=names.position)
        assert told == {"count": len(rejected), "examples": rejected[:20]}
