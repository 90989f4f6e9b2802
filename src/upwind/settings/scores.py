"""The section ``scores``: how segmentations are held against labels."""

from typing import Literal

from upwind.settings.model import Different, Positive, Settings

#: What becomes of a case without a usable mask: nothing is scored at all; it is left out; or it
#: counts as empty, a method that found nothing.
Missing = Literal["refuse", "skip", "empty"]


class ScoreSettings(Settings):
    """How segmentations are held against labels."""

    nsd_tolerances_mm: Different[Positive] = (3, 5)
    """Distances up to which a border counts as found in the normalised surface Dice (NSD), one
    column `nsd_<tolerance>mm` of `scores.csv` each. 5 mm is what the FLARE 2022 challenge allows
    the liver, 3 mm what TotalSegmentator's authors allow every organ.

    Source: the evaluation code of FLARE 2022 (`FLARE22_DSC_NSD_Eval.py`) and of TotalSegmentator
    (`resources/evaluate.py`)."""
