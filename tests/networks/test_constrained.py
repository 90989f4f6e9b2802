"""UNets whose kernels stay in a subspace: in training, in files and in half precision."""

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from upwind.common.errors import UpwindError
from upwind.kernels.unet import unet_layers
from upwind.networks.constrained import ConstrainedConvolution
from upwind.networks.subspaces import SPANS, span_of
from upwind.networks.unet import BOTTOM_FILTERS, KERNELS, LEVEL_FILTERS, UNet
from upwind.networks.weights import Recipe, load_weights, save_weights
from upwind.training.loss import squared_dsc_loss
from upwind.training.precision import probability_in
from upwind.training.settings import TrainingSettings
from upwind.training.state import TrainingState

CONSTRAINED = ("mean_zero", "differences", "random_5_with_mean")
SMALL = {"level_filters": (2, 2, 3, 4), "bottom_filters": 5}


def small(kernels, seed=0):
    torch.manual_seed(seed)
    return UNet(**SMALL, kernels=kernels)


def batch():
    generator = torch.Generator().manual_seed(1)
    images = 2 * torch.rand((3, 1, 32, 32), generator=generator) - 1
    return images, (images > 0).float()


def train(network, steps=5, precision="float32"):
    optimiser = torch.optim.Adadelta(network.parameters(), lr=1.0)
    images, masks = batch()
    for _ in range(steps):
        optimiser.zero_grad()
        squared_dsc_loss(probability_in(precision, network, images), masks).backward()
        optimiser.step()
    return network


def outside(network, kernels):
    """The largest part of a kernel that is not in its span, as a share of the largest weight."""
    weights = [layer.weight.detach().double().numpy() for layer in network.layers()]
    basis = span_of(kernels).reshape(-1, 9)
    within = [(w.reshape(-1, 9) @ basis.T @ basis).reshape(w.shape) for w in weights]
    return max(abs(w - v).max() / abs(w).max() for w, v in zip(weights, within, strict=True))


def channels():
    """(in, out) of the 18 layers in order of execution, and of the head."""
    inputs = (1, *LEVEL_FILTERS[:-1])
    pairs = [*zip(inputs, LEVEL_FILTERS, strict=True), (LEVEL_FILTERS[-1], BOTTOM_FILTERS)]
    below = BOTTOM_FILTERS
    for given, filters in zip(reversed(inputs), reversed(LEVEL_FILTERS), strict=True):
        pairs.append((below, filters))
        below = filters + given
    return [c for i, o in pairs for c in ((i, o), (o, o))], (below, 1)


def seeded(seed=4, **options):
    torch.manual_seed(seed)
    return UNet(**options)


def sizes(network):
    """Each layer's mean of a kernel's summed squares, times its inputs: 2 as ReLU needs it."""
    weights = [layer.weight.detach() for layer in network.layers()]
    return [float(w.square().sum(dim=(2, 3)).mean()) * w.shape[1] for w in weights]


def test_the_default_is_the_published_network_to_the_bit():
    """Drawn as it always was: torch's own initial weights first, then Glorot's over them."""
    network = seeded()
    torch.manual_seed(4)
    layers, head = channels()
    expected = [nn.Conv2d(*c, 3, padding=1) for c in layers]
    expected.append(nn.Conv2d(*head, 1))
    # Modules are walked as they are named: down, bottom, up, head.
    for layer in expected:
        nn.init.xavier_uniform_(layer.weight)
    for ours, theirs in zip([*network.layers(), network.head], expected, strict=True):
        assert type(ours) is nn.Conv2d
        assert torch.equal(ours.weight, theirs.weight)
    assert list(UNet(kernels="free").state_dict()) == list(network.state_dict())
    assert not any("coefficients" in name for name in network.state_dict())


@pytest.mark.parametrize("kernels", [*CONSTRAINED, "frozen"])
def test_other_kernels_are_drawn_layer_by_layer_as_they_always_were(kernels):
    network = seeded(kernels=kernels)
    torch.manual_seed(4)
    layers, head = channels()
    basis = torch.tensor(np.zeros((9, 3, 3)) if kernels == "frozen" else span_of(kernels))
    for layer, (given, filters) in zip(network.layers(), layers, strict=True):
        if kernels == "frozen":
            expected = nn.Conv2d(given, filters, 3).weight
        else:
            expected = torch.empty(filters, given, len(basis))
        nn.init.kaiming_normal_(expected, nonlinearity="relu")
        assert torch.equal(expected, getattr(layer, "coefficients", layer.weight))
        assert not layer.bias.any()
    last = nn.Conv2d(*head, 1)
    nn.init.xavier_uniform_(last.weight)
    assert torch.equal(network.head.weight, last.weight)
    assert not network.head.bias.any()


def test_frozen_is_the_free_network_from_he_with_its_kernels_held():
    free, frozen, but_first = (
        seeded(initial_weights="he"),
        seeded(kernels="frozen"),
        seeded(kernels="frozen", first_layer="free"),
    )
    for name, values in free.state_dict().items():
        assert torch.equal(frozen.state_dict()[name], values)
        assert torch.equal(but_first.state_dict()[name], values)
    assert all(p.requires_grad for p in free.parameters())
    learned = [layer.weight.requires_grad for layer in but_first.layers()]
    assert learned == [True] + [False] * 17


@pytest.mark.parametrize("kernels", KERNELS)
def test_he_weights_keep_the_size_of_a_response_whatever_learning_may_do(kernels):
    assert sizes(seeded(kernels=kernels, initial_weights="he")) == pytest.approx([2] * 18, rel=0.25)


@pytest.mark.parametrize("kernels", KERNELS)
def test_glorot_weights_are_as_large_in_a_subspace_as_without_one(kernels):
    expected = [2 * given / (given + filters) for given, filters in channels()[0]]
    network = seeded(kernels=kernels, initial_weights="glorot")
    assert sizes(network) == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize("kernels", [*CONSTRAINED, "frozen"])
def test_a_free_first_layer_begins_as_large_as_a_constrained_one(kernels):
    """It began 12 to 19 times as small, so that two things changed with one setting."""
    same, free = (
        np.mean([sizes(seeded(seed, kernels=kernels, first_layer=rule))[0] for seed in range(20)])
        for rule in ("same", "free")
    )
    assert free == pytest.approx(same, rel=0.15)
    assert same == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(
    ("kernels", "count"),
    [
        ("mean_zero", 117_330),
        ("differences", 73_506),
        ("differences_with_mean", 88_114),
        ("random_5", 73_506),
        ("random_8_with_mean", 117_330),
        ("frozen", 466),
    ],
)
def test_only_free_dimensions_are_counted_as_parameters(kernels, count):
    network = UNet(kernels=kernels)
    learned = [p for p in network.parameters() if p.requires_grad]
    assert sum(p.numel() for p in learned) == count
    assert [tuple(layer.weight.shape) for layer in network.layers()] == [
        tuple(layer.weight.shape) for layer in UNet().layers()
    ]


@pytest.mark.parametrize("kernels", CONSTRAINED)
def test_coefficients_start_as_relu_needs_them(kernels):
    torch.manual_seed(0)
    for layer in UNet(kernels=kernels).layers()[7:12]:
        coefficients = layer.coefficients.detach()
        _, given, dimensions = coefficients.shape
        assert float(coefficients.var()) == pytest.approx(2 / (given * dimensions), rel=0.1)
        assert not layer.bias.any()


def test_frozen_kernels_stay_and_everything_else_moves():
    before = small("frozen")
    after = train(small("frozen"))
    for ours, theirs in zip(before.layers(), after.layers(), strict=True):
        assert torch.equal(ours.weight, theirs.weight)
    assert not torch.equal(before.head.weight, after.head.weight)
    assert any(layer.bias.any() for layer in after.layers())
    weights = torch.cat([layer.weight.flatten() for layer in UNet(kernels="frozen").layers()[8:10]])
    assert float(weights.std()) == pytest.approx((2 / (9 * 48)) ** 0.5, rel=0.1)  # He's, about


@pytest.mark.parametrize("kernels", ["differences", "frozen"])
def test_the_first_layer_alone_can_be_free(kernels):
    network = UNet(**SMALL, kernels=kernels, first_layer="free")
    first, *others = network.layers()
    assert type(first) is nn.Conv2d
    assert first.weight.requires_grad
    for layer in others:
        assert type(layer) is not nn.Conv2d or not layer.weight.requires_grad


def test_a_random_subspace_is_chosen_by_its_number_and_is_that_of_every_layer():
    one, other = (UNet(**SMALL, kernels="random_5", subspace=number) for number in (0, 1))
    bases = [layer.basis for layer in one.layers()]
    assert all(torch.equal(basis, bases[0]) for basis in bases)
    assert not torch.equal(bases[0], other.layers()[0].basis)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kernels", CONSTRAINED)
def test_training_moves_the_kernels_and_keeps_them_in_their_span(kernels, precision):
    before = small(kernels).layers()[3].weight.detach()
    network = train(small(kernels), precision=precision)
    assert not torch.allclose(network.layers()[3].weight, before)
    assert outside(network, kernels) < 1e-6
    assert outside(train(small("free")), kernels) > 0.1


def test_a_constant_passes_no_layer_of_differences_but_for_bias_and_border():
    layer = ConstrainedConvolution(3, 4, "mean_zero")
    nn.init.constant_(layer.bias, 0.25)
    with torch.no_grad():
        response = layer(torch.full((1, 3, 8, 8), 5.0))
    inside = torch.full((1, 4, 6, 6), 0.25)
    torch.testing.assert_close(response[..., 1:-1, 1:-1], inside, atol=1e-5, rtol=0)
    assert (response[..., 0, :] - 0.25).abs().max() > 0.1


def test_it_answers_as_a_convolution_with_its_kernels_and_gradients_are_theirs_projected():
    layer = ConstrainedConvolution(2, 3, "differences").double()
    x = torch.rand((2, 2, 6, 7), dtype=torch.float64)
    free = layer.weight.detach().clone().requires_grad_()
    functional.conv2d(x, free, layer.bias.detach(), padding=1).square().sum().backward()
    response = layer(x)
    torch.testing.assert_close(response, functional.conv2d(x, free, layer.bias, padding=1))
    response.square().sum().backward()
    basis = torch.tensor(SPANS["differences"])
    # The basis is kept in single precision.
    expected = torch.einsum("oihw,khw->oik", free.grad, basis)
    torch.testing.assert_close(layer.coefficients.grad, expected, rtol=1e-6, atol=1e-6)


@pytest.fixture(params=CONSTRAINED)
def saved(request, tmp_path):
    """Path and network of a trained file."""
    path, recipe = tmp_path / "w.safetensors", Recipe("unet", 32, (-100.0, 400.0))
    recipe.options.update(SMALL, kernels=request.param)
    network = train(small(request.param))
    save_weights(path, network, recipe)
    return path, network


def test_a_weights_file_gives_the_same_network_and_holds_its_kernels(saved):
    path, network = saved
    again, _ = load_weights(path)
    images, _ = batch()
    with torch.no_grad():
        assert torch.equal(network.eval()(images), again(images))
    with safe_open(path, framework="pt") as file:
        assert torch.equal(file.get_tensor("up.0.first.weight"), network.up[0].first.weight)
    for read, layer in zip(unet_layers(path), network.layers(), strict=True):
        np.testing.assert_array_equal(read.weights, layer.weight.detach().numpy())


def test_kernels_that_their_coefficients_do_not_give_are_refused(saved):
    path, _ = saved
    tensors = load_file(path)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors["bottom.first.weight"][0, 0, 1, 1] += 0.01
    save_file(tensors, path, metadata=metadata)
    with pytest.raises(UpwindError, match=r"bottom\.first\.weight is not what .*coefficients give"):
        load_weights(path)


def test_free_weights_are_not_taken_for_constrained_ones(saved):
    _, network = saved
    with pytest.raises(RuntimeError, match="coefficients"):
        network.load_state_dict(small("free").state_dict())


def test_kernels_that_are_not_known_are_refused():
    with pytest.raises(UpwindError, match=r"unet\.kernels: 'odd'; choose from .*mean_zero"):
        UNet(kernels="odd")
    with pytest.raises(UpwindError, match=r"unet\.initial_weights: 'odd'; choose from .*glorot"):
        UNet(initial_weights="odd")


def test_weights_of_before_initial_weights_were_a_setting_are_read(tmp_path):
    """A recipe without the setting builds what it built; a loaded network's start says nothing."""
    path, recipe = tmp_path / "w.safetensors", Recipe("unet", 32, (-100.0, 400.0))
    recipe.options.update(SMALL, kernels="differences", first_layer="free", subspace=0)
    network = UNet(**recipe.options)
    save_weights(path, network, recipe)
    again, read = load_weights(path)
    assert "initial_weights" not in read.options
    assert all(torch.equal(v, again.state_dict()[k]) for k, v in network.state_dict().items())


def test_a_restored_training_goes_on_to_the_same_bits():
    def advance(state, steps):
        images, masks = batch()
        for _ in range(steps):
            state.optimiser.zero_grad()
            squared_dsc_loss(state.network(images), masks).backward()
            state.optimiser.step()
        return state

    settings = TrainingSettings(epochs=3)
    whole = advance(TrainingState(small("differences"), settings, 0), 4)
    half = advance(TrainingState(small("differences"), settings, 0), 2)
    again = TrainingState(small("differences", seed=9), settings, 0)
    again.restore(half.numbers(), {name: v.clone() for name, v in half.tensors().items()})
    advance(again, 2)
    ours, theirs = again.network.state_dict(), whole.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
