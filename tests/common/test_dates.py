import os
import time

import pytest

from upwind.common.dates import in_the_future, refuse_future
from upwind.common.errors import UpwindError


def test_files_dated_later_than_clocks_differ_are_refused_by_name(tmp_path):
    now, soon, late = (tmp_path / name for name in ("now", "soon", "late"))
    for path, seconds in ((now, 0), (soon, 60), (late, 3600)):
        path.touch()
        os.utime(path, (time.time() + seconds,) * 2)
    assert [in_the_future(path) for path in (now, soon, late)] == [False, False, True]
    assert not in_the_future(tmp_path / "nowhere")
    refuse_future([now, soon])
    with pytest.raises(UpwindError, match=r"late\. Set their dates with `touch`"):
        refuse_future([now, soon, late])
