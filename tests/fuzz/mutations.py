"""What happens to a file's bytes: single ones change, parts are lost, put in, said twice or come from another file."""

from collections.abc import Sequence

from hypothesis import strategies as st


@st.composite
def mutated(draw: st.DrawFn, files: Sequence[bytes], most: int = 4, pieces: Sequence[bytes] = (b"",)) -> bytes:
    """One of the files after up to `most` changes; `pieces` are bytes that mean something in it."""
    content = draw(st.sampled_from(files))
    for _ in range(draw(st.integers(0, most))):
        start = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 1 + len(content) // 8))
        part = content[start : start + length]
        before, behind = content[:start], content[start + length :]
        change = draw(st.integers(0, 7))
        if change == 0:
            content = before + draw(st.binary(min_size=1, max_size=4)) + content[start + 1 :]
        elif change == 1:
            content = before + behind
        elif change == 2:
            content = before + part + part + behind
        elif change == 3:
            content = before + draw(st.sampled_from(pieces)) + content[start:]
        elif change == 4:
            content = before + draw(st.sampled_from(pieces)) + behind
        elif change == 5:
            other = draw(st.sampled_from(files))
            content = before + other[draw(st.integers(0, len(other))) :]
        elif change == 6:
            content = before
        else:
            content = before + bytes(length) + behind
    return content
