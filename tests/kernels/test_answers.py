"""Answers in a line, of tables whose numbers are known."""

import numpy as np
import pandas as pd
import pytest

from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.answers import answers
from upwind.kernels.content import ENERGIES
from upwind.kernels.files.discovery import LeftOut, Network
from upwind.kernels.layers import Layer
from upwind.kernels.weights_file import KernelAnalysis, analyse_network


@pytest.fixture
def tables():
    energy = pd.DataFrame([[0.1, 0.2, 0.3, 0.3, 0.1], [0.3, 0.2, 0.3, 0.1, 0.1]], columns=ENERGIES)
    return {
        "network": pd.DataFrame(
            {"layer": [1, 2, 3], "name": list("abc"), "size": "3x3", "kernels": 8, "looked_at": 8}
        ),
        "moments": pd.concat(
            [energy.assign(network="trained"), energy[1:].assign(network="initial")]
        ),
        "nearest": pd.DataFrame(
            {
                "network": 4 * ["trained"] + 2 * ["initial"],
                "nearest": ["edge_right", "edge_right", "mean", "indeterminate", "mean", "mean"],
            }
        ),
        "gaussian": pd.DataFrame(
            {
                "network": 5 * ["trained"] + ["initial"],
                "order": [1, 1, 1, 0, np.nan, 2],
                "residual": [0.05, 0.65, 0.65, 0.65, np.nan, 0.75],
            }
        ),
        "left_out": pd.DataFrame(
            {"name": ["x", "y", "z"], "reason": ["a mask", "a mask", "kernels of 4x4"]}
        ),
        "cluster_verdicts": pd.DataFrame(
            {"verdict": ["clusters", "favoured directions, no clusters"]}
        ),
    }


def test_a_line_for_each_question(tables):
    found = {one.question: one.answer for one in answers(KernelAnalysis(tables, ()))}
    assert list(found.values()) == [
        "clusters in 1 of 2 layers, favoured directions without clusters in 1; 1 with too few "
        "different kernels are not asked",
        "shares of the energy: mean 0.20 (0.30), derivatives of order 1 and 2 0.50 (0.50), of "
        "order 3 and 4 0.30 (0.20)",
        "edge right 0.50 (0.00), mean 0.25 (1.00), indeterminate 0.25 (0.00)",
        "the best fit has 0.50 (0.25) of the energy, and more than 90% of it for 0.25 (0.00) of "
        "the kernels; its order is 0 for 0.25, 1 for 0.75, 2 for 0.00 of them",
        "x and 1 more: a mask, z: kernels of 4x4",
    ]


def test_of_large_layers_it_is_said_how_many_kernels_were_looked_at(tables):
    tables["network"] = tables["network"].assign(kernels=[8, 5000, 9000], looked_at=[8, 4096, 4096])
    *_, left_out = answers(KernelAnalysis(tables, ()))
    assert left_out.answer.endswith(
        "of 2 large layers all but 4,096 kernels of each, drawn at random"
    )


def test_where_nothing_could_be_clustered(tables):
    del tables["cluster_verdicts"]
    tables["left_out"] = tables["left_out"][:0]
    found = [one.answer for one in answers(KernelAnalysis(tables, ()))]
    assert found[0] == "not asked: no layer has enough different kernels"
    assert found[4] == "nothing"


def test_of_a_network_whose_kernels_are_all_edges():
    edge = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], float)
    scales = np.random.default_rng(0).normal(size=(20, 1, 1, 1))
    network = Network([Layer(1, "a", scales * edge)], {}, [LeftOut("b", (1, 1), "a mask")], "")
    settings = AnalysisSettings(references=3, starts=2, resamples=20)
    analysis = analyse_network(network, settings, 16)
    found = [one.answer for one in answers(analysis)]
    # Sobel: 1/4 of m_01's energy is in m_21, of order 3.
    assert found[1].startswith("shares of the energy: mean 0.00 (")
    assert found[2].startswith("edge right 1.00 (")
    assert found[3].startswith("the best fit has 1.00 (")
    assert found[4] == "b: a mask"


def test_size_by_size_where_there_are_several():
    random = np.random.default_rng(0)
    shapes = [(2, 8, 3, 3), (16, 1, 7, 7), (2, 8, 3, 3, 3)]
    layers = [Layer(n, str(n), random.normal(size=shape)) for n, shape in enumerate(shapes, 1)]
    settings = AnalysisSettings(references=3, starts=2, resamples=20)
    analysis = analyse_network(Network(layers, {}, [], ""), settings, 16)
    found = [one.answer for one in answers(analysis)]
    for answer in found[:4]:
        sizes = [part.split(": ")[0] for part in answer.split(" | ")]
        assert sizes == ["3x3", "7x7", "3x3x3"]
    assert "of order 3 to 12 " in found[1]
    assert found[3].endswith("3x3x3: not asked: fits are made in the plane")
