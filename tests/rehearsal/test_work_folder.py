"""Work folders: one for each rehearsal, old ones removed unless somebody uses them."""

from __future__ import annotations

from pathlib import Path

from rehearsal.work_folder import KEPT, work_folder


def test_old_folders_go_but_not_one_in_use(tmp_path: Path) -> None:
    # given a rehearsal that goes on
    with work_folder(tmp_path) as kept:
        (kept / "log").write_text("in use")
        # when many others come and go
        others = []
        for _ in range(KEPT + 2):
            with work_folder(tmp_path) as other:
                others.append(other)
        # then each had a folder of its own, the last few are there, and the one in use is untouched
        assert len({kept, *others}) == KEPT + 3
        assert {path for path in others if path.exists()} == set(others[-KEPT:])
        assert (kept / "log").exists()
