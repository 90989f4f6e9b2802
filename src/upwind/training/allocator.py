"""Keep large blocks in the process between training steps."""

import ctypes
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
