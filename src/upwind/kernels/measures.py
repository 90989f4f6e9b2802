"""What is measured of kernels one by one and layer by layer, for several networks together."""

from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.content import content_by_layer, content_by_part, moment_table
from upwind.kernels.filter_db import filter_table, shift_table
from upwind.kernels.layers import INITIAL, LSN, TRAINED, check_layers
from upwind.kernels.published import beside_published_shares
from upwind.kernels.spectrum import nearest_table, shares
from upwind.kernels.tables import Networks, Tables, stacked


def measure(
    networks: Networks, settings: AnalysisSettings, spectrum_size: int, published: bool
) -> Tables:
    """The tables nearest, nearest_shares, moments, content, content_parts and filter_db of
    ``networks`` by name, of which ``trained`` is the one that the others are compared with.

    Spectra are those on the feature maps of an image of ``spectrum_size`` pixels; the level set
    network has none. With ``published``, shares stand beside the authors', and ``initial`` is the
    trained network's own start, kernel by kernel. docs/kernels.md has every column.
    """
    networks = {name: check_layers(layers) for name, layers in networks.items()}
    cnns = {name: layers for name, layers in networks.items() if name != LSN}
    nearest = {name: nearest_table(layers, spectrum_size) for name, layers in cnns.items()}
    share = stacked({name: shares(table, settings.confidence) for name, table in nearest.items()})
    moments = {name: moment_table(layers) for name, layers in networks.items()}
    content = {name: content_by_layer(moments[name], layers) for name, layers in networks.items()}
    parts = {
        name: content_by_part(moments[name], layers, settings.confidence)
        for name, layers in networks.items()
    }
    return {
        "nearest": stacked(nearest),
        "nearest_shares": beside_published_shares(share) if published else share,
        "moments": stacked(moments),
        "content": stacked(content),
        "content_parts": stacked(parts),
        "filter_db": stacked(_filters(networks, settings, own_start=published)),
    }


def _filters(networks: Networks, settings: AnalysisSettings, own_start: bool) -> Tables:
    """CNN Filter DB measures of each network, and how far its layers' kernels are from those of the
    trained network, whose architecture the level set network does not share."""
    trained = {layer.number: layer for layer in networks[TRAINED]}
    found = {}
    for name, layers in networks.items():
        table = filter_table(layers)
        reference = {} if name in (TRAINED, LSN) else trained
        paired = own_start and name == INITIAL
        shift = shift_table(layers, reference, settings.references, settings.seed, paired)
        found[name] = table.merge(shift, how="left", on="layer")
    return found
