"""The level set network. By value, the paper's 'LSN Test' must be the held-out slices of trained
patients and its 'LSN Validation' the unseen patients; the paper does not define them."""

from upwind.methods.method import Column, Method, Network
from upwind.methods.subsets import HELDOUT

METHOD = Method(
    key="lsn",
    title="LSN",
    order=40,
    knows="CT",
    has="weights, place of the initial disc",
    colour="#663333",
    columns=(
        Column("lsn_test", "LSN Test", HELDOUT),
        Column("lsn_validation", "LSN Validation"),
    ),
    settings="upwind.settings.lsn:LSNSettings",
    network=Network(
        "upwind.networks.lsn:LSN",
        # A time step, on five LiTS cases at 128 pixels on one core.
        seconds_per_megapixel=0.08,
        repeated="steps",
        parts={"speed": "upwind.networks.speed:SpeedAlone"},
    ),
)
