"""Where our UNet can be set beside that of the authors' follow-up. Rules ask while they are read:
it takes no more than Python's own library."""

from collections.abc import Collection

from upwind.methods import Methods

#: How masks are read: as they are, or their largest connected component alone.
READINGS = ("plain", "largest_component")
#: Of LiTS, and of the Decathlon's Task03_Liver, which are the same patients.
PATIENTS = 131
_UNET = "unet"
_FOLDS = 5  # in order of the case numbers, as the paper's and the follow-up's


def why_no_followup(
    kind: str, cases: Collection[int] | None, folds: object, shuffle_seed: int | None
) -> str | None:
    """Why no patient of this data set can be set beside the follow-up's; None where they can.

    Args:
        kind: of the data set (``dataset.kind``).
        cases: numbers of the cases; None where they are not known yet.
        folds, shuffle_seed: as in the configuration.
    """
    if kind not in ("lits", "msd"):
        return f"the data are not LiTS, but {kind}"
    if cases is None:
        return "the cases are not known yet"
    if sorted(cases) != list(range(PATIENTS)):
        others = " with other numbers" if len(cases) == PATIENTS else ""
        return (
            f"it is about LiTS's {PATIENTS} cases, 0 to {PATIENTS - 1}, and here are "
            f"{len(cases)}{others}"
        )
    if folds != _FOLDS or shuffle_seed is not None:
        return f"its folds are {_FOLDS} in order of the case numbers, and here are others"
    return None


def methods_read(methods: Methods) -> dict[str, str]:
    """The method that stands for each of :data:`READINGS`, as far as there is one: the UNet, and
    its largest component where the configuration has it."""
    found = {"plain": _UNET} if _UNET in methods else {}
    found |= {method.postprocess: key for key, method in methods.items() if method.of == _UNET}
    return {reading: found[reading] for reading in READINGS if reading in found}


def absence_note(reason: str) -> str:
    """A sentence for below a table."""
    return (
        f"The UNet of the authors' follow-up is not set beside ours, patient by patient: {reason}."
    )
