import errno
import os

import numpy as np
import pytest
import torch

from upwind.common.errors import StorageError, UpwindError
from upwind.common.resource_errors import memory_problem, storage_error, storage_problem

KINDS = {
    errno.ENOSPC: ("no space is left", "Free some space"),
    errno.EDQUOT: ("quota", "Free some of it"),
    errno.EROFS: ("read-only", "Mount it for writing"),
    errno.EACCES: ("may not write", "ls -ld"),
    errno.EPERM: ("may not write", "ls -ld"),
    errno.EFBIG: ("ulimit -f", "Raise the limit"),
    errno.EIO: ("input/output error", "Have the disk looked at"),
    errno.EISDIR: ("a folder of that name", "Rename it"),
    errno.ENOTDIR: ("a file is where its folder", "Rename it"),
    errno.EEXIST: ("a file is where its folder", "Rename it"),
}


@pytest.mark.parametrize("number", KINDS)
def test_a_message_says_what_where_and_what_to_do(number, tmp_path):
    path = tmp_path / "results" / "scores.csv"
    told = storage_error(OSError(number, os.strerror(number)), path)
    what, advice = KINDS[number]
    assert str(told).startswith(f"{path} was not written: ")
    assert what in str(told)
    assert advice in str(told)
    assert " GB are free)" in str(told)
    assert "run the same command again" in str(told)
    assert "\n" not in str(told)


def test_it_is_the_users_to_mend_and_still_an_oserror(tmp_path):
    told = storage_error(OSError(errno.ENOSPC, "full"), tmp_path)
    assert isinstance(told, UpwindError)
    assert isinstance(told, OSError)
    assert (told.errno, told.strerror) == (errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_library_written_in_rust_is_understood(tmp_path):
    error = RuntimeError("I/O error: No space left on device (os error 28)")
    assert storage_error(error, tmp_path).errno == errno.ENOSPC


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a"),
        OSError("disk full"),
        FileNotFoundError(errno.ENOENT, "x"),
        RuntimeError("code 28"),
    ],
)
def test_other_errors_are_not_the_disks(error, tmp_path):
    assert storage_error(error, tmp_path) is None
    assert storage_problem(error, tmp_path) is None
    assert memory_problem(error) is None


@pytest.mark.parametrize("number", KINDS)
def test_anywhere_in_a_job_only_what_is_sure_to_be_about_writing_is_taken_for_it(number, tmp_path):
    log = tmp_path / "job.log"
    said = storage_problem(OSError(number, os.strerror(number)), log)
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG):
        assert said.startswith(f"{log} was not written: ")
    else:
        assert said is None


def test_a_file_that_may_not_be_opened_is_named(tmp_path):
    error = PermissionError(errno.EACCES, "Permission denied", "/data/volume-3.nii")
    said = storage_problem(error, tmp_path)
    assert said.startswith("/data/volume-3.nii cannot be opened: permission is denied.")
    assert "ls -ld" in said


def test_where_there_is_no_folder_yet_the_room_is_told_all_the_same(tmp_path):
    error = OSError(errno.ENOSPC, "full")
    assert "GB are free" in str(storage_error(error, tmp_path / "a" / "b" / "c"))


def test_too_little_memory_names_what_was_asked_for_and_what_to_do():
    with pytest.raises(MemoryError) as numpys:
        np.empty(1 << 60, np.uint8)
    with pytest.raises(RuntimeError) as torchs:
        torch.empty(1 << 60, dtype=torch.uint8)
    for error, asked in ((numpys.value, "1.00 EiB"), (torchs.value, f"{1 << 60} bytes")):
        said = memory_problem(error)
        assert asked in said
        assert "fewer --cores" in said
        assert "mem_mb" in said
        assert "\n" not in said
    assert "no further detail" in memory_problem(MemoryError())


def test_too_little_memory_of_a_gpu_is_told_apart():
    said = memory_problem(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nx"))
    assert "GPU's memory" in said
    assert "Tried to allocate 2 GiB." in said
    assert "--cores" not in said


def test_the_error_is_an_ordinary_exception_with_its_message():
    assert str(StorageError("full", errno.ENOSPC)) == "full"
