"""Signed distances in a narrow band around the contour of a 3-D level set function, on CPU."""

import numpy as np

from upwind.common.compiled import jit

_jit = jit(nogil=True)

# Added to |grad u|^2: no division by zero.
_LEAST = 1e-12


class Band:
    """The voxels within ``width`` voxels of the contour, and room to find them again."""

    def __init__(self, shape: tuple[int, int, int], width: float) -> None:
        self.width = width
        #: First and last + 1 voxel of the band in each row, (nz, ny, 2).
        self.ranges = np.zeros((*shape[:2], 2), np.int64)
        size = int(np.prod([n + 2 for n in shape]))
        self._layer = np.empty([n + 2 for n in shape], np.int8)
        self._found = np.empty(size, np.int64)

    def rebuild(self, u: np.ndarray) -> bool:
        """Make ``u`` (padded by one voxel) the signed distance in voxels to its own contour, within
        the band, and +- the width elsewhere. False, and u unchanged, where it has no contour."""
        numbers = (u.dtype.type(self.width), u.dtype.type(_LEAST))
        return bool(_rebuild(u, *numbers, self._layer, self._found, self.ranges))


@_jit
def _rebuild(
    u: np.ndarray,
    width: np.floating,
    least: np.floating,
    layer: np.ndarray,
    found: np.ndarray,
    ranges: np.ndarray,
) -> bool:
    _, height, across = u.shape
    flat, layers = u.reshape(-1), layer.reshape(-1)
    steps = (1, across, height * across)
    layers[:] = -1  # the border: never in the band
    layer[1:-1, 1:-1, 1:-1] = 0  # not in the band yet
    count = _beside_contour(u, layers, found, steps)
    if count == 0:
        return False
    values = np.empty(count, u.dtype)
    for n in range(count):
        values[n] = _subvoxel(flat, found[n], steps, layers, least)
    for n in range(count):
        flat[found[n]] = values[n]
        layers[found[n]] = 1
    start, number = 0, 1
    while number < width + 1:
        end = count
        count = _next_layer(layers, found, start, end, steps, number + 1)
        for n in range(end, count):
            place = found[n]
            flat[place] = np.copysign(width, flat[place])
        for n in range(end, count):
            _farther(flat, found[n], steps, layers, width)
        for n in range(count - 1, end - 1, -1):
            _farther(flat, found[n], steps, layers, width)
        start, number = end, number + 1
    _outside(u, layer, width, ranges)
    return True


@_jit
def _beside_contour(
    u: np.ndarray, layers: np.ndarray, found: np.ndarray, steps: tuple[int, int, int]
) -> int:
    depth, height, across = u.shape
    flat, count = u.reshape(-1), 0
    for i in range(1, depth - 1):
        for j in range(1, height - 1):
            row = (i * height + j) * across
            for place in range(row + 1, row + across - 1):
                inside, beside = flat[place] > 0, False
                for step in steps:
                    for there in (place - step, place + step):
                        if (flat[there] > 0) != inside and layers[there] >= 0:
                            beside = True
                if beside:
                    found[count] = place
                    count += 1
    return count


@_jit
def _subvoxel(
    flat: np.ndarray,
    place: int,
    steps: tuple[int, int, int],
    layers: np.ndarray,
    least: np.floating,
) -> float:
    """Signed distance u / |grad u| of a voxel beside the contour: differences across the contour
    where it crosses an axis next to the voxel, central ones on the other axes."""
    here = flat[place]
    total = least
    for step in steps:
        slope, crossed = here * 0, False
        for there in (place - step, place + step):
            if (flat[there] > 0) != (here > 0) and layers[there] >= 0:
                crossed = True
                slope = max(slope, abs(here - flat[there]))
        if not crossed:
            slope = abs(flat[place + step] - flat[place - step]) / 2
        total += slope * slope
    return here / np.sqrt(total)


@_jit
def _next_layer(
    layers: np.ndarray,
    found: np.ndarray,
    start: int,
    end: int,
    steps: tuple[int, int, int],
    number: int,
) -> int:
    count = end
    for n in range(start, end):
        for step in steps:
            for there in (found[n] - step, found[n] + step):
                if layers[there] == 0:
                    layers[there] = number
                    found[count] = there
                    count += 1
    return count


@_jit
def _farther(
    flat: np.ndarray,
    place: int,
    steps: tuple[int, int, int],
    layers: np.ndarray,
    width: np.floating,
) -> None:
    """Lower |u| of a voxel to the solution of |grad u| = 1 from its neighbours in the band."""
    here = flat[place]
    sign = np.copysign(here * 0 + 1, here)
    a = b = c = width + 1
    for step in steps:
        least = width + 1
        for there in (place - step, place + step):
            if layers[there] > 0:
                least = min(least, sign * flat[there])
        # The three in ascending order.
        if least < a:
            a, b, c = least, a, b
        elif least < b:
            b, c = least, b
        else:
            c = min(c, least)
    distance = a + 1
    if distance > b:
        distance = (a + b + np.sqrt(2 - (a - b) ** 2)) / 2
        if distance > c:
            total = a + b + c
            distance = (total + np.sqrt(total**2 - 3 * (a * a + b * b + c * c - 1))) / 3
    if distance < abs(here):
        flat[place] = sign * distance


@_jit
def _outside(u: np.ndarray, layer: np.ndarray, width: np.floating, ranges: np.ndarray) -> None:
    depth, height, across = u.shape
    for i in range(1, depth - 1):
        for j in range(1, height - 1):
            first, last = across, 0
            for k in range(1, across - 1):
                if layer[i, j, k] == 0:
                    u[i, j, k] = np.copysign(width, u[i, j, k])
                else:
                    first, last = min(first, k - 1), k
            ranges[i - 1, j - 1, 0] = first
            ranges[i - 1, j - 1, 1] = last
