"""The whole experiment on four phantom patients, and what lies in results/ afterwards.

The run is made once for this file: with pytest-xdist use ``--dist loadfile``.
"""

import json
import re
import sys

import matplotlib.image
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import yaml

from upwind.data.folds import read_split
from upwind.data.slices import read_slices
from upwind.data.volumes import read_volume
from upwind.networks.weights import load_weights
from upwind.segmentation.predict import segment_volume
from upwind.settings.check import check_config

PATIENTS, FOLDS, SIZE = 4, 2, 32
NETWORKS, LEVEL_SETS = ("unet", "lsn"), ("itk_snap", "itk_snap_blind")
SETTINGS = {
    "experiment": "tiny",
    "folds": FOLDS,
    "image_size": SIZE,
    "dataset": {"patients": PATIENTS, "root": "data/phantom"},
    "unet": {"epochs": 2},
    "lsn": {"epochs": 2, "steps": 20},
    "levelset": {
        "trials": 1,
        "spacing_mm": 8.0,
        "blind": {"patients": 2, "trials": 3, "spacing_mm": 8.0, "max_iterations": 200},
    },
    "kernels": {"spectrum_size": 64, "references": 3, "starts": 2, "sample": 200},
    "comparison": {"resamples": 200},
}


@pytest.fixture(scope="module")
def workplace(shared_workplace):
    """The workplace after the run, every process as a user's, which must succeed."""
    settings = shared_workplace.configure(SETTINGS)
    result = shared_workplace.snakemake(configfiles=[settings], python=sys.executable)
    assert result.returncode == 0, result.stdout[-5000:]
    assert "67 of 67 steps (100%) done" in result.stdout
    return shared_workplace


@pytest.fixture(scope="module")
def results(workplace):
    """The folder of results."""
    return workplace.folder / "results/tiny"


@pytest.fixture(scope="module")
def scores(results):
    """scores.csv."""
    return pd.read_csv(results / "scores.csv")


def dry_run(workplace, **changes):
    """Rules that would run again after these changes of settings; with the method where it is one
    of those without training."""
    settings = SETTINGS | {
        key: SETTINGS.get(key, {}) | value if isinstance(value, dict) else value
        for key, value in changes.items()
    }
    file = workplace.configure(settings, "changed.yaml")
    result = workplace.snakemake("--dry-run", configfiles=[file])
    assert result.returncode == 0, result.stdout
    blocks = re.findall(
        r"^(?:local)?(?:rule|checkpoint) (\w+):$((?:\n +.*)*)", result.stdout, re.MULTILINE
    )
    methods = [re.search(r"wildcards: method=(\w+)", block) for _, block in blocks]
    return {
        rule + (f" {method[1]}" if method else "")
        for (rule, _), method in zip(blocks, methods, strict=True)
    }


def read_mask(path):
    image = nib.load(path)
    return np.asanyarray(image.dataobj), image.affine


def test_a_second_run_has_nothing_to_do(workplace):
    result = workplace.snakemake(configfiles=[workplace.configure(SETTINGS)])
    assert result.returncode == 0
    assert "Nothing to be done" in result.stdout
    assert "rule " not in result.stdout


def test_another_setting_runs_again_what_it_changes_and_no_more(workplace):
    kept = {"all", "write_config"}
    assert (
        dry_run(workplace, comparison={"resamples": 300}) == {"compare_methods", "tabulate"} | kept
    )
    again = dry_run(workplace, levelset={"trials": 2})
    assert {"operate_level_set", "score_untrained itk_snap", "gather_scores", "tabulate"} <= again
    assert not again & {"make_phantom", "slice_case", "train", "segment_fold", "score_network"}
    assert not again & {"tune_level_set", "segment_blind", "score_untrained itk_snap_blind"}
    blind = SETTINGS["levelset"]["blind"] | {"trials": 4}
    again = dry_run(workplace, levelset={"blind": blind})
    assert {
        "tune_level_set",
        "segment_blind",
        "score_untrained itk_snap_blind",
        "gather_scores",
    } <= again
    assert not again & {"operate_level_set", "score_untrained itk_snap", "train", "score_network"}
    again = dry_run(workplace, lsn={"epochs": 3})
    assert {"train", "segment_fold", "score_network", "tabulate"} <= again
    assert not again & {"operate_level_set", "cluster_kernels", "draw_figure1", "slice_case"}
    assert not again & {"train_variant", "measure_cluster_tendency"}
    starts = dry_run(workplace, kernels={"starts": 3})
    assert starts == {"measure_cluster_tendency", "draw_cluster_tendency"} | kept
    again = dry_run(workplace, kernels={"second_seed": 2})
    assert {"train_variant", "measure_kernels"} <= again
    assert not again & {"train", "cluster_kernels", "measure_cluster_tendency"}


def test_config_is_the_effective_one(workplace, results):
    expected = yaml.safe_load((workplace.folder / "config/config.yaml").read_text())
    for key, value in SETTINGS.items():
        expected[key] = expected.get(key, {}) | value if isinstance(value, dict) else value
    expected["levelset"]["blind"] |= SETTINGS["levelset"]["blind"]
    assert yaml.safe_load((results / "config.yaml").read_text()) == check_config(expected)


def test_cases_and_folds_and_split(results):
    cases = pd.read_csv(results / "cases.csv")
    assert cases["case"].tolist() == list(range(PATIENTS))
    assert cases["usable"].all()
    assert cases["errors"].isna().all()
    folds = pd.read_csv(results / "folds.csv")
    assert folds["fold"].tolist() == [0, 0, 1, 1]
    split = read_split(results / "split.csv")
    for fold, training in (("0", [2, 3]), ("1", [0, 1]), ("all", [0, 1, 2, 3])):
        part = split[split["fold"] == fold]
        assert sorted(part["case"].unique()) == training
        total = cases.set_index("case").loc[training, "liver_slices"].sum()
        assert len(part) == total
        assert (part["part"] == "heldout").sum() == round(0.1 * total)


def test_scores_have_one_row_for_every_method_fold_case_and_subset(results, scores):
    fold_of = {0: 0, 1: 0, 2: 1, 3: 1}
    expected = {
        (method, fold, case, subset)
        for method in (*LEVEL_SETS, *NETWORKS)
        for case, fold in fold_of.items()
        for subset in ("unseen", "unseen_liver")
    }
    split = read_split(results / "split.csv")
    heldout = split[(split["part"] == "heldout") & (split["fold"] != "all")]
    expected |= {
        (method, int(fold), case, "heldout")
        for method in NETWORKS
        for fold, case in heldout[["fold", "case"]].itertuples(index=False)
    }
    keys = list(scores[["method", "fold", "case", "subset"]].itertuples(index=False, name=None))
    assert len(keys) == len(set(keys)) == len(expected)
    assert set(keys) == expected


def test_dsc_follows_from_its_counts_and_the_files(workplace, results, scores):
    total = scores["mask_voxels"] + scores["label_voxels"]
    np.testing.assert_allclose(scores["dsc"], 2 * scores["overlap_voxels"] / total)
    rows = scores[scores["subset"] == "unseen"]
    assert len(rows) == 4 * PATIENTS
    for row in rows.itertuples():
        folder = "itk_snap" if row.method == "itk_snap" else f"{row.method}/{row.fold}/unseen"
        path = results / f"segmentations/{folder}/segmentation-{row.case}.nii.gz"
        mask, affine = read_mask(path)
        data = workplace.folder / "data/phantom"
        label, _ = read_mask(data / f"segmentation-{row.case}.nii.gz")
        ct = nib.load(data / f"volume-{row.case}.nii.gz")
        assert mask.shape == ct.shape
        np.testing.assert_array_equal(affine, ct.affine)
        counts = ((mask > 0) & (label > 0)).sum(), (mask > 0).sum(), (label > 0).sum()
        assert counts == (row.overlap_voxels, row.mask_voxels, row.label_voxels)
        voxel_ml = abs(np.linalg.det(ct.affine[:3, :3])) / 1000
        assert row.label_ml == pytest.approx(counts[2] * voxel_ml, rel=1e-5)


def test_table1_is_the_mean_of_the_scores(results, scores):
    table = pd.read_csv(results / "table1.csv", dtype={"fold": str})
    columns = ["fold", "itk_snap", "unet", "lsn_test", "lsn_validation"]
    assert table.columns.tolist() == columns
    verdicts = pd.read_csv(results / "verdicts.csv", dtype={"fold": str})
    failed = sorted(set(verdicts.loc[verdicts["failed"], "fold"]))
    without = [f"avg_without_{failed[0]}"] if len(failed) == 1 else []
    assert table["fold"].tolist() == ["0", "1", "avg", *without]
    table = table.set_index("fold")
    for column, method, subset in (
        ("itk_snap", "itk_snap", "unseen"),
        ("unet", "unet", "unseen"),
        ("lsn_test", "lsn", "heldout"),
        ("lsn_validation", "lsn", "unseen"),
    ):
        chosen = scores[(scores["method"] == method) & (scores["subset"] == subset)]
        by_fold = [chosen.loc[chosen["fold"] == fold, "dsc"].mean() for fold in range(FOLDS)]
        assert table.loc[["0", "1"], column].tolist() == pytest.approx(by_fold)
        assert table.loc["avg", column] == pytest.approx(sum(by_fold) / 2)
    assert table["itk_snap"].between(0.3, 1).all()  # its operator sees the label


def test_the_extended_table_is_about_unseen_patients(results, scores):
    table = pd.read_csv(results / "extended.csv", dtype={"fold": str}).set_index("fold")
    first = pd.read_csv(results / "table1.csv", dtype={"fold": str}).set_index("fold")
    assert table.columns.tolist() == [*LEVEL_SETS, *NETWORKS]
    assert table.index.tolist() == first.index.tolist()
    columns = ["itk_snap", "unet", "lsn_validation"]
    np.testing.assert_allclose(table[["itk_snap", *NETWORKS]], first[columns])
    blind = scores[(scores["method"] == "itk_snap_blind") & (scores["subset"] == "unseen")]
    expected = blind.groupby("fold")["dsc"].mean()
    assert table.loc[["0", "1"], "itk_snap_blind"].tolist() == pytest.approx(expected.tolist())


def test_the_blind_level_set_knew_nothing_of_its_unseen_patients(results):
    fold_of = {0: 0, 1: 0, 2: 1, 3: 1}
    for fold in range(FOLDS):
        tuned = json.loads((results / f"blind/{fold}/parameters.json").read_text())
        training = [case for case in fold_of if fold_of[case] != fold]
        assert tuned["patients"] == training
        trials = pd.read_csv(results / f"blind/{fold}/trials.csv")
        assert trials["dsc"].max() == pytest.approx(tuned["dsc"])
        assert trials["mode"].tolist()[:2] == ["region", "edge"]
        # By the records: tuning read no file of an unseen patient, segmenting no label at all.
        (record,) = (results / "records/tune_level_set").glob(f"*{fold}*.json")
        read = " ".join(json.loads(record.read_text())["inputs"])
        for case, other in fold_of.items():
            assert (f"segmentation-{case}.nii.gz" in read) == (other != fold)
        (record,) = (results / "records/segment_blind").glob(f"*{fold}*.json")
        read = " ".join(json.loads(record.read_text())["inputs"])
        assert "volume-" in read
        assert "segmentation-" not in read


def test_table1_stands_beside_the_published_one(results):
    table = pd.read_csv(results / "table1.csv", dtype={"fold": str}).set_index("fold")
    markdown = (results / "table1.md").read_text()
    assert f"{table.loc['avg', 'unet']:.3f} / 0.903" in markdown
    assert "0.912" not in markdown  # two folds are not the paper's five
    assert "0.677" in markdown  # where the paper's own arithmetic does not hold
    latex = (results / "table1.tex").read_text()
    assert f"{table.loc['avg', 'unet']:.3f} (0.903)" in latex
    assert latex.count("{") == latex.count("}")


def test_comparison_has_every_method_and_pair(results):
    table = pd.read_csv(results / "comparison.csv")
    assert {"subset", "measure", "method", "other", "patients", "mean", "low", "high"} <= set(table)
    dsc = table[(table["subset"] == "unseen") & (table["measure"] == "dsc")]
    single = dsc[dsc["other"].isna()].set_index("method")
    assert set(single.index) == {*LEVEL_SETS, *NETWORKS}
    assert (single["patients"] == PATIENTS).all()
    assert (single["low"] <= single["mean"]).all()
    assert (single["mean"] <= single["high"]).all()
    assert dsc["other"].notna().sum() == 6


def test_every_run_has_weights_curves_and_a_verdict(results):
    verdicts = pd.read_csv(results / "verdicts.csv", dtype={"fold": str})
    runs = [(network, str(fold)) for network in NETWORKS for fold in range(FOLDS)]
    runs.append(("unet", "all"))
    assert [(r.method, str(r.fold)) for r in verdicts.itertuples()] == runs
    for network, fold in runs:
        folder = results / "networks" / network / fold
        _, recipe = load_weights(folder / "weights.safetensors")
        assert (recipe.network, recipe.image_size) == (network, SIZE)
        curves = pd.read_csv(folder / "curves.csv")
        assert curves["epoch"].tolist() == [1, 2]
        log = (results / f"logs/train/{network}-{fold}.log").read_text()
        assert f"{network} {fold}: epoch 2/2" in log
        row = verdicts[(verdicts["method"] == network) & (verdicts["fold"] == fold)]
        assert row["heldout_dsc"].item() == pytest.approx(curves["heldout_dsc"].iloc[-1])
        assert row["failed"].item() == (curves["heldout_dsc"].iloc[-1] < 0.5)


def test_the_lsns_disc_comes_from_its_training_slices(results):
    split = read_split(results / "split.csv")
    for fold in range(FOLDS):
        part = split[(split["fold"] == str(fold)) & (split["part"] == "train")]
        masks = np.concatenate(
            [
                read_slices(results / f"slices/case-{case}.safetensors").label[group["slice"]] > 0
                for case, group in part.groupby("case")
            ]
        )
        rows, columns = np.nonzero(masks)[1:]
        network, _ = load_weights(results / f"networks/lsn/{fold}/weights.safetensors")
        expected = ((rows.mean() + 0.5) / SIZE, (columns.mean() + 0.5) / SIZE, 20 / 256)
        assert network.disc == pytest.approx(expected)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_trained_network_gives_the_same_segmentation_outside_the_workflow(
    network, workplace, results
):
    trained, recipe = load_weights(results / f"networks/{network}/0/weights.safetensors")
    volume = read_volume(workplace.folder / "data/phantom/volume-1.nii.gz")
    ours = segment_volume(trained, volume, recipe)
    path = results / f"segmentations/{network}/0/unseen/segmentation-1.nii.gz"
    theirs = read_volume(path).array
    assert (ours != theirs).mean() < 1e-4  # but for the last bits at the threshold


def test_heldout_segmentations_lie_in_heldout_slices_alone(results):
    split = read_split(results / "split.csv")
    heldout = split[(split["part"] == "heldout") & (split["fold"] == "0")]
    for case, group in heldout.groupby("case"):
        path = results / f"segmentations/lsn/0/heldout/segmentation-{case}.nii.gz"
        mask = read_volume(path).array
        others = np.setdiff1d(np.arange(mask.shape[2]), group["slice"])
        assert not mask[:, :, others].any()


def test_kernels_of_the_network_trained_on_all(results):
    kernels = pd.read_csv(results / "kernels/kernels.csv")
    assert len(kernels) == 14_608
    layers = pd.read_csv(results / "kernels/layers.csv")
    assert layers["layer"].tolist() == list(range(1, 19))
    network, _ = load_weights(results / "networks/unet/all/weights.safetensors")
    counts = [layer.weight.shape[:2].numel() for layer in network.layers()]
    assert layers["kernels"].tolist() == counts
    assert kernels.groupby("layer").size().tolist() == counts


def test_kernels_are_measured_beside_controls(results):
    tables = {path.stem: pd.read_csv(path) for path in (results / "kernels").glob("*.csv")}
    cnns = {"trained", "initial", "second_seed"}
    for name in ("nearest", "nearest_shares"):
        assert set(tables[name]["network"]) == cnns, name
    for name in ("moments", "content", "content_parts", "filter_db"):
        assert set(tables[name]["network"]) == {*cnns, "lsn"}, name
    assert tables["moments"].groupby("network").size()["second_seed"] == 14_608
    assert set(tables["cluster_tendency"]["network"]) == {"trained", "initial"}
    assert tables["cluster_verdicts"]["layer"].tolist() == list(range(1, 19))
    parts = tables["content"].query("network == 'trained'")["part"].tolist()
    assert parts == ["encoder"] * 8 + ["bottleneck"] * 2 + ["decoder"] * 8
    second, _ = load_weights(results / "studies/networks/unet/all-1-all/weights.safetensors")
    first, _ = load_weights(results / "networks/unet/all/weights.safetensors")
    assert not np.allclose(*(n.layers()[0].weight.detach().numpy() for n in (first, second)))
    table = tables["kernels"].query("layer == 3")[[f"w{i}" for i in range(9)]].to_numpy()
    sums = tables["moments"].query("network == 'trained' and layer == 3")["m00"]
    np.testing.assert_allclose(table.sum(axis=1), sums, atol=1e-6)


def test_figures_are_pictures_and_documents(results):
    pictures = ["figure1", "figure2", "figure2_all_layers", "curves", "scores", "gallery"]
    pictures += ["searches"]
    pictures += ["stencils"]
    pictures += ["convergence", "figure2_icons", "cluster_tendency", "content", "nearest"]
    pictures += [f"networks/unet/{fold}/curves" for fold in ("0", "1", "all")]
    for name in pictures:
        picture = matplotlib.image.imread(results / f"{name}.png")[..., :3]
        assert min(picture.shape[:2]) > 300, name
        assert picture.std() > 0.02, name  # not an empty page
    svg = (results / "figure1.svg").read_text()
    assert svg.rstrip().endswith("</svg>")
    documents = (
        "figure1",
        "convergence",
        "figure2",
        "figure2_all_layers",
        "figure2_icons",
        "cluster_tendency",
        "content",
        "nearest",
    )
    for name in documents:
        content = (results / f"{name}.pdf").read_bytes()
        assert content.startswith(b"%PDF")
        assert content.rstrip().endswith(b"%%EOF")


def test_nothing_half_written_and_nothing_unexpected_is_left(results):
    assert not list(results.rglob(".partial-*"))
    tops = {path.name for path in results.iterdir()} - {"report.html"}
    figures = {"figure2", "figure2_all_layers", "figure2_icons", "curves", "scores", "gallery"}
    figures |= {"searches", "stencils", "cluster_tendency", "content", "nearest"}
    figures |= {"figure1", "convergence"}
    expected = {f"{name}.{ending}" for name in figures for ending in ("png", "pdf")}
    expected |= {"figure1.svg", "convergence.csv"}
    expected |= {"methods.json", "results.json"}
    expected |= {"config.yaml", "cases.csv", "cases.txt", "folds.csv", "split.csv", "scores.csv"}
    expected |= {"extended.csv", "extended.html", "extended.md", "blind"}
    expected |= {"verdicts.csv", "table1.csv", "table1.html", "table1.md", "table1.tex"}
    expected |= {
        "comparison.csv",
        "cases",
        "slices",
        "split",
        "networks",
        "segmentations",
        "scores",
        "kernels",
        "studies",  # the analysed network from a second seed
        "logs",
        "records",
    }
    assert tops == expected
