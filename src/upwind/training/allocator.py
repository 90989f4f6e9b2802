"""Memory of training on a CPU: large blocks stay in the process, in large pages."""

import ctypes
import os
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h of glibc
_LARGEST_INT = 2**31 - 1


def keep_large_blocks() -> bool:
    """Tell glibc not to hand freed blocks back to the system; True where that was possible.

    By default each training step takes its activations from the kernel again, page by page;
    keeping them makes CPU training up to twice as fast (``benchmarks/training.py``). The
    environment variables MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ do the same but must be
    set before Python starts.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library than glibc
        return False
    return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, _LARGEST_INT))


def ask_for_huge_pages() -> None:
    """Have torch ask Linux for pages of 2 MB under large tensors: about 5 % off the UNet's training
    on the demo's slices, for as much more memory. To be called before the first tensor is made;
    elsewhere, and where the system has no such pages, nothing changes. What the environment
    already says stays."""
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
