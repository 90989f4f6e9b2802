"""A setting's choices, limits and default stand in ``upwind.settings`` alone: what the package has
beside them agrees, and nothing else names a default of its own."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from upwind.kernels.replacements import RANDOM, REPLACEMENTS
from upwind.levelset.engines.registry import ENGINES
from upwind.levelset.equation.scheme import stable_time_step
from upwind.levelset.itk_snap.trials import EDGE_EQUATIONS
from upwind.settings.levelset import EDGE_EQUATIONS_OF, EdgeEquation, EngineName
from upwind.settings.root import experiment_model
from upwind.settings.studies import Replacement

ROOT = Path(__file__).resolve().parents[2]

# Arguments that are named like a setting and are none.
OTHERWISE = {
    "cli/publishing.py release.experiment": "what `make demo` makes",
    "cli/segmentation.py evolve.engine": "a film shows this package's own scheme",
    "data/check.py check.kind": "data sets are told apart by their files",
    "data/naming.py find_cases.kind": "data sets are told apart by their files",
    "figures/gallery.py draw_gallery.window": "of the picture",
    "levelset/engines/engine.py Weights.advection": "ITK-SNAP's own",
    "levelset/engines/engine.py Weights.curvature": "ITK-SNAP's own",
    "levelset/equation/solver.py constant_fields.curvature": "of an equation without curvature",
    "levelset/equation/solver.py upwind_step.curvature": "of an equation without curvature",
    "levelset/itk_snap/speeds.py region_speed.smoothness": "ITK-SNAP's own",
    "levelset/itk_snap/trials.py Trial.advection": "ITK-SNAP's own",
    "levelset/itk_snap/trials.py Trial.region_sigma": "ITK-SNAP's own",
    "methods/method.py Method.cases": "whom a method segments",
    "methods/method.py Method.columns": "of Table I, as a method defines them",
    "networks/lsn.py initial.device": "where a tensor is made",
    "phantom/scene.py paint.softness": "of an organ's border",
    "results.py Result.kind": "of a result",
    "segmentation/evolution.py evolve.engine": "as of the command",
    "segmentation/predict.py segment_slices.batch_size": "changes no result",
    "audit/trace/page.py _Box.scores": "rows behind a number",
    "segmentation/predict.py segment_slices.device": "where a tensor is made",
    "segmentation/predict.py segment_volume.device": "where a tensor is made",
}


def setting_names(described, found):
    for name, field in described.model_fields.items():
        found.add(name)
        if hasattr(field.annotation, "model_fields"):
            setting_names(field.annotation, found)
    return found


SETTINGS = setting_names(experiment_model(), set())


def literal(node):
    """Whether a default is written out; None is none."""
    try:
        return ast.literal_eval(node) is not None
    except ValueError:
        return isinstance(node, ast.Name) and node.id.isupper()


def defaults(tree):
    """(name, default) of every argument and field of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args]
            given = arguments[len(arguments) - len(node.args.defaults) :]
            pairs = [*zip(given, node.args.defaults, strict=True)]
            pairs += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            yield from ((f"{node.name}.{a.arg}", a.arg, default) for a, default in pairs if default)
        elif isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, ast.AnnAssign) and part.value:
                    name = ast.unparse(part.target)
                    yield f"{node.name}.{name}", name, part.value


def test_no_default_of_a_setting_is_written_anywhere_else():
    source = ROOT / "src/upwind"
    found = {
        f"{path.relative_to(source)} {where}"
        for path in source.rglob("*.py")
        if path.parent.name != "settings"
        for where, name, default in defaults(ast.parse(path.read_text()))
        if name in SETTINGS and literal(default)
    }
    assert found == OTHERWISE.keys()


def test_choices_are_what_the_package_has():
    assert get_args(Replacement) == tuple(REPLACEMENTS)
    assert set(RANDOM) <= REPLACEMENTS.keys()
    assert get_args(EngineName) == tuple(EDGE_EQUATIONS_OF) == tuple(ENGINES)
    assert get_args(EdgeEquation) == tuple(EDGE_EQUATIONS)
    for name, info in ENGINES.items():
        assert info.edge_equations == EDGE_EQUATIONS_OF[name]


def test_the_largest_time_step_is_the_stability_limit_of_the_scheme():
    (limit,) = (m.le for m in _metadata("lsn", "dt") if hasattr(m, "le"))
    assert limit == stable_time_step(1.0, 0.0, 0.0)


def _metadata(section, name):
    return experiment_model().model_fields[section].annotation.model_fields[name].metadata


@pytest.mark.parametrize("module", ["root", "check", "levelset", "lsn", "training"])
def test_settings_come_without_heavy_libraries(module):
    """Every job reads some of them."""
    heavy = "{'torch', 'numpy', 'pandas', 'scipy', 'jsonschema', 'snakemake'}"
    command = f"import sys, upwind.settings.{module}; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", command], check=True)


def test_a_job_reads_the_settings_of_its_section_and_not_the_others():
    """So that a new default of one section runs nothing of another again."""
    code = "import sys, upwind.settings.lsn; print(*(m for m in sys.modules if 'upwind.s' in m))"
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    parts = ("", ".lsn", ".model", ".networks")
    assert set(said.split()) == {f"upwind.settings{part}" for part in parts}
