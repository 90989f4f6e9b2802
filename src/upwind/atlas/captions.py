"""The atlas in words: what each number on the page means, to readers of images."""

from dataclasses import dataclass

from upwind.atlas.effects import MEAN, ZERO


@dataclass(frozen=True)
class Explanation:
    """What stands behind the question mark beside a number."""

    title: str
    text: str


EXPLANATIONS = {
    "layer": Explanation(
        "Layer",
        "One step of the network. It reads several pictures of the slice (channels), filters each "
        "with small kernels, adds the results up and passes new pictures on. Layer 1 reads the CT. "
        "Layers are numbered in the order in which they are computed.",
    ),
    "part": Explanation(
        "Encoder, bottleneck, decoder",
        "The encoder makes the pictures coarser step by step, so that each pixel sees more of the "
        "slice. The bottleneck is the coarsest step. The decoder makes them finer again, up to the "
        "outline of the liver. Level 1 has the CT's own pixels; each level below has half as many "
        "along each side. In this network the convolutions of a decoder level come before its "
        "enlargement, so they work on pixels half as fine as those of the encoder level.",
    ),
    "kernels": Explanation(
        "Kernels",
        "A kernel is a filter of 3 × 3 weights that is moved over a picture, as for smoothing or "
        "edge detection. A layer has one for every pair of a channel that it reads and a channel "
        "that it writes.",
    ),
    "cluster": Explanation(
        "Cluster",
        "Kernels of one layer that are alike, found by k-means on their nine weights, in each "
        "layer for itself. Clusters have numbers, not meanings: cluster 1 of one layer has nothing "
        "to do with cluster 1 of another. Every layer is cut into the same number of clusters, "
        "whether or not it has any; the silhouette says how clear they are.",
    ),
    "mean": Explanation(
        "Mean kernel",
        "The mean of the cluster's kernels, weight by weight. Red weights are positive, blue ones "
        "negative, white is zero. The colours are scaled to this kernel's largest weight.",
    ),
    "derivative": Explanation(
        "Nearest derivative",
        "What the mean kernel does most. It is compared with averages and with first to fourth "
        "differences, in every direction, sharp and smoothed, and the most similar one names it. "
        "An average blurs. A first derivative shows edges, and has the direction in which the "
        "picture has to brighten. A second derivative shows spots or thin lines. Third and fourth "
        "derivatives show texture from pixel to pixel. The percentage is the share of the mean "
        "kernel's energy (sum of squared weights) that this one accounts for. Nine random numbers "
        "reach 55 % on average, and 80 % one time in twenty; with less than 80 % the kernel is "
        "called mixed. Directions are those of the picture: its left is the patient's right.",
    ),
    "orders": Explanation(
        "What its kernels are made of",
        "The energy (sum of squared weights) of all kernels of the cluster, kernel by kernel, "
        "divided among orders of derivatives in an orthogonal basis, so that the shares add up. "
        "Kernels of random numbers have 11, 22, 33, 22 and 11 %. A smooth average is all order 0, "
        "a smooth edge filter all order 1; sharp filters have finer orders in them, too.",
    ),
    "explained": Explanation(
        "Mean stands for",
        "The share of the cluster's energy that its mean kernel alone accounts for. 100 %: all "
        "kernels are the same. A small share: they differ widely, and the mean kernel and its "
        "derivative tell little of any single one.",
    ),
    "silhouette": Explanation(
        "Silhouette",
        "How clear a cluster is, from −1 to 1: 1 where its kernels are much nearer to each other "
        "than to the next cluster, 0 where clusters run into each other, below 0 where kernels "
        "are nearer to another cluster. Clear groups have 0.5 and more.",
    ),
    "effect": Explanation(
        "Effect on accuracy",
        "The change of the Dice score (DSC) when the cluster's kernels are taken away, and nothing "
        "is trained again: −0.10 means that the overlap with the expert's liver falls by 0.10. The "
        "brackets hold the interval over patients; where it spans 0, the change may be chance. For "
        "a layer, the loss without its most important cluster. What the network could learn to do "
        "without the cluster is another question.",
    ),
    "relative": Explanation(
        "Size of the change",
        "How much of the layer was changed: length of the change of its weights over the length of "
        "the weights. A loss of accuracy says more of a small change than of a large one.",
    ),
    "dsc": Explanation(
        "Dice score (DSC)",
        "Overlap of the network's liver with the expert's, from 0 (none) to 1 (the same): twice "
        "the common area over the sum of both. Here on the slices as the network sees them, all "
        "measured slices of a patient together, then the mean over patients.",
    ),
    "on_ct": Explanation(
        "CT filtered",
        "The CT slice filtered with the cluster's mean kernel, as one would filter any picture. "
        "Mid-grey is zero, bright is positive, dark is negative; the strongest value is "
        "below the picture. In the network only layer 1 reads the CT itself, so for the others "
        "this shows the kind of filter, not what is computed.",
    ),
    "contribution": Explanation(
        "In the network",
        "What this cluster adds to the layer's output for this slice: the responses of the "
        "cluster's kernels to the channels that they read, added up for each output channel, mean "
        "over the output channels. White is zero, red positive, blue negative, on the same scale "
        "in all pictures of a layer. The clusters' pictures and a constant (the bias) add up to "
        "the layer's output.",
    ),
    "inside": Explanation(
        "Inside and outside the liver",
        "Mean of the cluster's part in the network over the pixels inside the expert's outline of "
        "the liver, and over all others. Far apart: the cluster tells the liver from its "
        "surroundings, in this slice.",
    ),
    "entering": Explanation(
        "What the layer reads",
        "Mean of the channels that the layer reads, from black (lowest) to white (highest). For "
        "layer 1 it is the CT.",
    ),
    "leaving": Explanation(
        "What the layer computes",
        "Mean of the channels that the layer writes, before negative values are set to zero "
        "(ReLU). It is the sum of its clusters' pictures below and of the bias.",
    ),
    "replacement": Explanation(
        "If all kernels are replaced",
        "All kernels of the layer are replaced at once by simpler ones, or by chance, without "
        "training again: how much of the layer's work the simple kernels can do.",
    ),
}

# Replacements of whole layers (studies/replacements.csv) by name.
_REPLACEMENTS = {
    "centroid": "the mean kernel of their cluster",
    "nearest": "the nearest hand-crafted kernel, scaled",
    "mean_zero": "their part with a sum of zero (no average)",
    "differences": "their first and second derivatives alone",
    "first_order": "their first derivatives alone",
    "shuffled": "the layer's own kernels in random places",
    "gaussian": "random kernels of the same mean and spread",
}
_REMOVED = {ZERO: "set to zero", MEAN: "set to the mean kernel of their layer"}
ORDER_NAMES = ("average", "first derivative", "second derivative", "third", "fourth")


def replacement_words(name: str) -> str:
    """What kernels were replaced by; a name that is not known, as it is."""
    return _REPLACEMENTS.get(name, name.replace("_", " "))


def removed_words(name: str) -> str:
    """How a cluster was taken away."""
    return _REMOVED[name]


def measured_words(network: str, patients: int, slices: int) -> str:
    """What effects were measured on, for the network trained on the fold ``network``, or on 'all'
    patients."""
    if network == "all":
        return (
            f"{slices} slices of {patients} patients that were held out when the network was "
            "trained. It was trained on other slices of the same patients, as it was trained on "
            "all patients, so its Dice score here tends to be higher than on new patients. What "
            "counts is the change."
        )
    return (
        f"{slices} slices that show liver, of {patients} patients that the network was not trained "
        "on."
    )


def number(value: float, digits: int = 3) -> str:
    """A number with a true minus sign; 'not defined' for NaN."""
    if value != value:
        return "not defined"
    return f"{value:.{digits}f}".replace("-", "−") if round(value, digits) else f"{0:.{digits}f}"


def change(value: float, digits: int = 3) -> str:
    """A number with its sign, but for zero."""
    text = number(value, digits)
    return f"+{text}" if value == value and round(value, digits) > 0 else text


def percent(value: float) -> str:
    """A share in per cent."""
    return f"{100 * value:.0f} %"


def whole(value: int) -> str:
    """A count, thousands apart."""
    return f"{value:,}"
