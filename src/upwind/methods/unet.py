"""The paper's UNet."""

from upwind.methods.method import Column, Method, Network

METHOD = Method(
    key="unet",
    title="UNet",
    order=30,
    knows="CT",
    has="weights",
    colour="#222255",
    columns=(Column("unet", "UNet"),),
    # Five LiTS cases at 128 pixels on one core.
    settings="upwind.settings.unet:UNetSettings",
    network=Network("upwind.networks.unet:UNet", seconds_per_megapixel=1.7),
)
