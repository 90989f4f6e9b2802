"""The networks by name: where each is defined.

They are imported by name when they are built, so that the code of one is no part of what the other
was made with, and editing one does not train the other again.
"""

from upwind.common.errors import UpwindError

# Module and class.
NETWORKS = {
    "unet": ("upwind.networks.unet", "UNet"),
    "lsn": ("upwind.networks.lsn", "LSN"),
    "speed": ("upwind.networks.speed", "SpeedAlone"),
}


def network_module(name: str) -> str:
    """The module that defines a network. Raises UpwindError for a network that is not known."""
    if name not in NETWORKS:
        raise UpwindError(f"unknown network {name!r}; known are {sorted(NETWORKS)}")
    return NETWORKS[name][0]
