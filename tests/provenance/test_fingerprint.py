"""Fingerprints of code, on the package itself and on small sources."""

import re
from importlib.metadata import packages_distributions

import pytest

from upwind.common.errors import UpwindError
from upwind.provenance import fingerprint
from upwind.provenance.fingerprint import (
    code_fingerprint,
    imported_modules,
    package_versions,
    reached,
    source_fingerprint,
)


@pytest.fixture
def edited(monkeypatch, tmp_path):
    """Edit one module: ``edited(module, old, new)``; fingerprints then see the edited text."""
    original = fingerprint._path

    def edit(module, old, new):
        text = original(module).read_text()
        assert old in text
        copy = tmp_path / "edited.py"
        copy.write_text(text.replace(old, new, 1))
        monkeypatch.setattr(
            fingerprint, "_path", lambda name: copy if name == module else original(name)
        )

    return edit


def test_training_reaches_the_loss_but_no_table():
    found = reached(["upwind.training.runs", "upwind.networks.lsn"])
    assert {"upwind.training.loss", "upwind.networks.lsn", "upwind.levelset.equation.fused"} <= set(
        found
    )
    assert not any(
        re.match(r"upwind\.(tables|figures|scores|segmentation)", name) for name in found
    )


def test_training_reaches_a_network_by_name_only():
    assert not {"upwind.networks.lsn", "upwind.networks.unet"} & set(
        reached(["upwind.training.runs"])
    )


def test_what_watches_a_job_has_no_part_in_it():
    assert not any("provenance" in name for name in reached(["upwind.training.runs"]))


def test_packages_around_a_module_count():
    assert {"upwind", "upwind.training"} <= set(reached(["upwind.training.loss"]))


def test_lazy_imports_count():
    # upwind.cli.data imports the checks inside its function.
    assert "upwind.data.check" in reached(["upwind.cli"])


@pytest.mark.parametrize(
    ("module", "old", "new", "changed"),
    [
        ("upwind.training.loss", "SUM_FLOOR = 1e-5", "SUM_FLOOR = 2e-5", {"training"}),
        ("upwind.training.loss", "# Added to each", "# Put into each", set()),
        ("upwind.training.loss", '"""The loss: 1 - DSC', '"""Loss: 1 - DSC', set()),
        ("upwind.training.loss", "SUM_FLOOR = 1e-5", "SUM_FLOOR  =  1e-5", set()),
        ("upwind.tables.table1", "_", "__", {"tables"}),
        ("upwind", "__version__ = ", "__version__ = 'x' + ", set()),
    ],
)
def test_an_edit_changes_what_can_reach_it(edited, module, old, new, changed):
    chosen = {"training": ["upwind.training.runs"], "tables": ["upwind.tables.table1"]}
    before = {name: code_fingerprint(modules) for name, modules in chosen.items()}
    edited(module, old, new)
    after = {name: code_fingerprint(modules) for name, modules in chosen.items()}
    assert {name for name in chosen if before[name] != after[name]} == changed


def test_order_and_repetition_of_the_modules_do_not_count():
    modules = ["upwind.scores.metrics", "upwind.tables.table1"]
    assert code_fingerprint(modules) == code_fingerprint([*reversed(modules), modules[0]])


def test_a_name_moved_to_another_function_counts():
    before = source_fingerprint("def f():\n    return 1\ndef g():\n    return 2\n")
    assert before != source_fingerprint("def g():\n    return 1\ndef f():\n    return 2\n")


def test_only_a_docstring_is_left_of_an_empty_function():
    before = source_fingerprint('def f():\n    """What it does."""\n')
    assert before == source_fingerprint("def f():\n    pass\n")


def test_text_that_is_used_counts():
    assert source_fingerprint("x = 'DSC'") != source_fingerprint("x = 'HD95'")


def test_versions_of_what_computes_only():
    versions = package_versions(["upwind.training.runs", "upwind.networks.lsn"])
    assert {"torch", "numpy", "numba"} <= set(versions)
    assert not {"rich", "typer", "filelock", "matplotlib", "seaborn", "pytest"} & set(versions)
    assert "matplotlib" in package_versions(["upwind.figures.curves"])


def test_imports_for_the_type_checker_do_not_count():
    assert "pandas" not in package_versions(["upwind.common.files"])


def test_imported_modules_of_a_script():
    source = (
        "import json\nfrom upwind.data.folds import read_split\n"
        "from upwind.levelset.equation import scheme\nimport upwind.training.loss\n"
    )
    assert imported_modules(source) == [
        "upwind.data.folds",
        "upwind.levelset.equation.scheme",
        "upwind.training.loss",
    ]


def test_a_module_that_is_not_there():
    with pytest.raises(UpwindError, match="nothing_here is no module of upwind"):
        code_fingerprint(["upwind.nothing_here"])


def test_a_module_that_is_no_python(edited):
    edited("upwind.training.loss", "def ", "def def ")
    with pytest.raises(UpwindError, match="not valid Python"):
        code_fingerprint(["upwind.training.loss"])


@pytest.mark.parametrize("imported", ["PIL", "skfmm", "sklearn", "yaml", "numpy"])
def test_distributions_that_are_found_by_name_are_those_that_hold_the_module(imported):
    assert fingerprint._distributions_of(imported) == packages_distributions()[imported]
