"""Names of scores. They are apart from what computes them, so that tables and figures of scores
load none of that."""

from upwind.settings.scores import ScoreSettings

TOLERANCES = ScoreSettings().nsd_tolerances_mm
#: Scores in mm that an empty mask leaves undefined.
DISTANCES = ("hd95_mm", "hd95_max_mm", "assd_mm")
#: How columns of NSD begin.
NSD = "nsd_"


def nsd_column(tolerance: float) -> str:
    """Name of the NSD at a ``tolerance`` in mm: ``nsd_5mm``."""
    return f"{NSD}{tolerance:g}mm"
