"""Pinned requirements and conda environments say the same, and hold what the scripts import."""

import ast
import functools
import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "src"
ENVIRONMENTS = sorted((REPOSITORY / "envs").glob("*.yaml"))
# What is installed, by module: looked through once, and not for every script.
packages_distributions = functools.cache(importlib.metadata.packages_distributions)


def canonical(name):
    """A distribution's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lines):
    """Versions by distribution; fails on a line that pins nothing."""
    found = {}
    for line in lines:
        if line := line.partition("#")[0].strip():
            if line.startswith("-r"):
                continue
            name, version = line.split("==")
            found[canonical(name)] = version
    return found


def requirements(name="requirements.txt"):
    return pins((REPOSITORY / "envs" / name).read_text().splitlines())


def conda_pins(path):
    dependencies = yaml.safe_load(path.read_text())["dependencies"]
    return pins(next(d["pip"] for d in dependencies if isinstance(d, dict)))


def module_file(name):
    """File of a module of upwind; None where there is none of that name."""
    base = PACKAGE.joinpath(*name.split("."))
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.exists()), None)


@functools.cache
def imported_names(path):
    """Names that a file imports, anywhere in it but for type checkers."""
    found = []
    tree = ast.parse(path.read_text())
    for block in [node for node in ast.walk(tree) if isinstance(node, ast.If)]:
        if ast.unparse(block.test) == "TYPE_CHECKING":
            block.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            # What is imported from a package may itself be a module.
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def third_party(script):
    """Top-level third-party modules that a script imports, itself or by way of upwind."""
    waiting, done, found = [script], set(), set()
    while waiting:
        path = waiting.pop()
        if path in done:
            continue
        done.add(path)
        for name in imported_names(path):
            parts = name.split(".")
            if parts[0] != "upwind":
                found.add(parts[0])
                continue
            parents = (".".join(parts[: n + 1]) for n in range(len(parts)))
            waiting += [file for file in map(module_file, parents) if file]
    return found & set(packages_distributions())


def rules_text():
    return {p: p.read_text() for p in sorted((REPOSITORY / "workflow/rules").glob("*.smk"))}


def scripts_by_environment():
    """(environment file, script) of every rule with a script."""
    pairs = set()
    for text in rules_text().values():
        for block in re.split(r"\n(?=\s*(?:rule|checkpoint|use rule) )", text):
            script = re.search(r'script:\s*"\.\./scripts/(\w+\.py)"', block)
            if script:
                environment = re.search(r'conda:\s*"\.\./\.\./envs/(\w+\.yaml)"', block)
                assert environment, f"{script[1]}: no conda environment"
                pairs.add((environment[1], script[1]))
    return sorted(pairs)


def test_every_script_belongs_to_a_rule_and_every_environment_to_a_script():
    environments, scripts = (set(column) for column in zip(*scripts_by_environment(), strict=True))
    assert scripts == {p.name for p in (REPOSITORY / "workflow/scripts").glob("*.py")}
    assert environments == {p.name for p in ENVIRONMENTS}


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda p: p.stem)
def test_conda_environments_pin_what_make_installs(path):
    ours, pinned = conda_pins(path), requirements()
    assert {name: pinned.get(name) for name in ours} == ours


def test_imports_are_followed_through_the_package():
    scripts = REPOSITORY / "workflow/scripts"
    assert third_party(scripts / "train.py") >= {"torch", "numpy", "safetensors"}
    assert "torch" not in third_party(scripts / "tabulate.py")


@pytest.mark.parametrize(
    ("environment", "script"), scripts_by_environment(), ids=lambda value: value.split(".")[0]
)
def test_an_environment_holds_whatever_its_scripts_import(environment, script):
    modules = third_party(REPOSITORY / "workflow/scripts" / script)
    distributions = packages_distributions()
    held = set(conda_pins(REPOSITORY / "envs" / environment))
    missing = {
        module for module in modules if not held & {canonical(d) for d in distributions[module]}
    }
    assert not missing


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda p: p.stem)
def test_environments_state_the_python_that_the_package_needs(path):
    dependencies = yaml.safe_load(path.read_text())["dependencies"]
    assert "python=3.11" in dependencies


def test_requirements_hold_what_the_package_asks_for():
    text = (REPOSITORY / "pyproject.toml").read_text()
    asked = re.search(r"^dependencies = \[(.*?)^\]", text, re.DOTALL | re.MULTILINE)[1]
    names = {canonical(n) for n in re.findall(r'"([A-Za-z0-9_.-]+?)[=><~]=', asked)}
    assert len(names) >= 15
    assert names <= set(requirements())


def test_pins_lie_in_the_ranges_of_the_package():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    pinned = requirements()
    for asked in map(Requirement, project["dependencies"]):
        assert pinned[canonical(asked.name)] in asked.specifier, asked


def test_developers_pins_do_not_contradict_the_run():
    both = requirements().keys() & requirements("requirements-dev.txt").keys()
    assert not both
