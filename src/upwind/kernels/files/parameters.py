"""Which tensors of a file that names them, and says no more, are weights of convolutions.

Names are those that PyTorch's own tools give (``torch.nn.utils``: prune, weight_norm,
spectral_norm, parametrize; optimisers), and what training scripts call averaged copies.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from upwind.common.errors import UpwindError
from upwind.kernels.files.discovery import (
    Contents,
    Found,
    LeftOut,
    is_looked_at,
    is_other_size,
    other_size,
    single,
)


@dataclass(frozen=True)
class Stored:
    """A tensor of a file.

    Attributes:
        section: where in a checkpoint it stands, parts joined by dots; empty where there are none.
        name: in its state dict.
        shape: of the tensor.
        read: gives its numbers.
        fault: why those cannot be read as weights, where they cannot.
        storage: the same for names of one parameter; None where the file does not tell.
    """

    section: str
    name: str
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]
    fault: str = ""
    storage: Hashable | None = None

    @property
    def path(self) -> str:
        """Its whole name."""
        return f"{self.section}.{self.name}" if self.section else self.name


def convolutions(stored: Iterable[Stored], order: str) -> Contents:
    """What of the tensors is a convolution, with its effective weights, and what is left out.

    Effective are weights that a mask is applied to, or that are made of direction and length
    (weight norm) or divided by their largest singular value (spectral norm). Left out are masks,
    what belongs to an optimiser, averaged copies of weights that are there too, numbers that are no
    weights, and sizes that are not looked at. Where all convolutions stand in one section of a
    checkpoint, their names do without it.
    """
    tensors = [one for one in _effective(list(stored)) if _like_a_kernel(one.shape)]
    averaged = _averaged({one.path: one.shape for one in tensors})
    contents, kept = Contents(order), []
    for one in tensors:
        reason = _reason(one) or (_AVERAGED if one.path in averaged else "")
        if reason:
            contents.left_out.append(LeftOut(one.path, one.shape, reason))
        else:
            kept.append(one)
    sections = {one.section for one in kept}
    for one in kept:
        name = (one.name if len(sections) == 1 else one.path).removesuffix(".weight")
        if is_looked_at(one.shape):
            contents.found.append(Found(name, one.shape, one.read, parameter=one.storage))
        else:
            contents.left_out.append(other_size(name, one.shape))
    return contents


def _like_a_kernel(shape: Sequence[int]) -> bool:
    return is_looked_at(shape) or is_other_size(shape)


_OPTIMISER = re.compile(
    r"(^|\.)(optim(i[sz]ers?)?(_states?)?(_dict)?|(max_)?exp_avg(_sq)?|exp_inf|momentum_buffer"
    r"|square_avg|acc_delta|grad_avg)(\.|$)"
)
_MASK = re.compile(r"(^|[._])mask$")
_HALF = re.compile(r"(^|\.)(weight_orig|weight_[gv]|parametrizations\.weight\.\w+)(\.|$)")


def _reason(one: Stored) -> str:
    """Why a tensor is no weights of a convolution; empty where it may be."""
    if _OPTIMISER.search(one.path):
        return "state of an optimiser"
    if _MASK.search(one.name):
        return "a mask, no weights"
    if _HALF.search(one.name):
        return "a part of weights whose other parts are not in the file, or not known"
    return one.fault


_AVERAGED = "an averaged copy of weights that are in the file, too"
# Parts of a name that training scripts give copies which follow the weights slowly.
_FOLLOWS = re.compile(r"(^|_)(ema|swa|averaged|average|teacher|shadow)(_|\d|$)")
_WRAPPERS = ("module", "model", "state_dict", "_orig_mod")  # that a copy's names may begin with


def _averaged(shapes: Mapping[str, Sequence[int]]) -> set[str]:
    """Names of the averaged copies among tensors of these shapes by name. A copy has a
    part of its name that says so, and behind that the end of another's name, of the same shape
    (dots left out: some write ``model_ema.block0weight``)."""
    rest = {name: _behind_average(name) for name in shapes}
    originals: set[tuple[str, tuple[int, ...]]] = set()
    if any(behind is not None for behind in rest.values()):
        for name, behind in rest.items():
            if behind is None:
                originals |= {(end, tuple(shapes[name])) for end in _ends(name)}
    return {
        name
        for name, behind in rest.items()
        if behind is not None and (behind, tuple(shapes[name])) in originals
    }


def _behind_average(name: str) -> str | None:
    parts = name.split(".")
    places = [place for place, part in enumerate(parts) if _FOLLOWS.search(part)]
    behind = parts[places[-1] + 1 :] if places else []
    while behind and behind[0] in _WRAPPERS:
        del behind[0]
    return "".join(behind) or None


def _ends(name: str) -> Iterator[str]:
    parts = name.split(".")
    for start in range(max(0, len(parts) - _MOST_PARTS), len(parts)):
        yield "".join(parts[start:])


_MOST_PARTS = 64  # of a name that are compared: a hostile one has thousands


def _masked(weights: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return weights * mask


def _weight_norm(length: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """g v / ||v||, the norm over the axes along which g has one number (Salimans and Kingma
    2016)."""
    axes = tuple(axis for axis, side in enumerate(length.shape) if side == 1)
    norm = np.sqrt((direction.astype(float) ** 2).sum(axis=axes, keepdims=True))
    return direction * np.divide(length, norm, out=np.zeros(norm.shape), where=norm > 0)


def _spectral_norm(weights: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Weights divided by u W v, their largest singular value as power iteration has it so far
    (Miyato et al. 2018)."""
    largest = float(left @ (weights.reshape(len(left), -1) @ right))
    return weights / largest if largest else weights


# What effective weights are made of: endings of names (the first is of their shape), and how.
_MADE_OF: tuple[tuple[tuple[str, ...], Callable[..., np.ndarray]], ...] = (
    (("weight_orig", "weight_mask"), _masked),
    (("weight_orig", "weight_u", "weight_v"), _spectral_norm),
    (("weight_v", "weight_g"), lambda v, g: _weight_norm(g, v)),
    (
        ("parametrizations.weight.original1", "parametrizations.weight.original0"),
        lambda v, g: _weight_norm(g, v),
    ),
    (
        (
            "parametrizations.weight.original",
            "parametrizations.weight.0._u",
            "parametrizations.weight.0._v",
        ),
        _spectral_norm,
    ),
)


def _effective(stored: Sequence[Stored]) -> Iterator[Stored]:
    """The tensors, those that weights are made of replaced by what they make."""
    by_path = {one.path: one for one in stored}
    made: dict[str, Stored] = {}
    used: set[str] = set()
    for one in stored:
        for endings, make in _MADE_OF:
            parts = _parts(one, endings, by_path)
            if parts and one.path not in used:
                made[one.path] = _product(one, endings[0], parts, make)
                used.update(part.path for part in parts[1:])
                break
    for one in stored:
        if one.path not in used:
            yield made.get(one.path, one)


def _parts(one: Stored, endings: Sequence[str], by_path: Mapping[str, Stored]) -> list[Stored]:
    """The tensors with these endings beside ``one``, which has the first of them, where all are
    there and fit it."""
    before = one.path.removesuffix(endings[0])
    if before == one.path or before[-1:] not in ("", "."):
        return []
    parts = [by_path[name] for name in (before + end for end in endings) if name in by_path]
    fitting = all(len(part.shape) == 1 or _broadcasts(part.shape, one.shape) for part in parts)
    return parts if len(parts) == len(endings) and fitting else []


def _broadcasts(shape: Sequence[int], to: Sequence[int]) -> bool:
    return len(shape) == len(to) and all(a in (1, b) for a, b in zip(shape, to, strict=True))


def _product(
    one: Stored, ending: str, parts: Sequence[Stored], make: Callable[..., np.ndarray]
) -> Stored:
    def read() -> np.ndarray:
        try:
            return single(make(*(part.read() for part in parts)))
        except ValueError as error:
            raise UpwindError(
                f"{one.path}: the parts that its weights are made of do not fit together ({error})"
            ) from error

    storages = tuple(part.storage for part in parts)
    return replace(
        one,
        name=one.name.removesuffix(ending) + "weight",
        read=read,
        fault=next((part.fault for part in parts if part.fault), ""),
        storage=None if None in storages else storages,
    )
