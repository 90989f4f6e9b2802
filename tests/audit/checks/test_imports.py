"""Records that name less than their scripts import."""

import pytest

from upwind.audit.checks.checkout import find_checkout
from upwind.audit.checks.imports import check_imports
from upwind.audit.findings import FindingKind
from upwind.audit.provenance_graph import load
from upwind.provenance.recorder import script_code, script_packages

SCRIPT = "tabulate.py"


@pytest.fixture
def check(project):
    """What is found of a job that ran this version of a script, but for what was ``taken`` from its
    record or is ``other`` there."""
    checkout = find_checkout(project.root)
    script = checkout.source(SCRIPT)

    def check(taken="", name=SCRIPT, **other):
        code = {m: digest for m, digest in (script_code(script) | other).items() if m != taken}
        code[name] = code.pop(SCRIPT)
        packages = {p: v for p, v in script_packages(script).items() if p != taken}
        project.job("gather", outputs={"results/x/a.csv": "a"}, code=code, packages=packages)
        run = load(project.results)
        return check_imports(run, {"results/x/records/gather/job.json"}, checkout).findings

    return check


def test_all_of_it(check):
    assert check() == ()


@pytest.mark.parametrize("taken", ["upwind.common.files", "upwind", "pandas"])
def test_a_module_or_a_package_that_it_does_not_name(check, taken):
    (finding,) = check(taken)
    assert (finding.kind, finding.path) == (FindingKind.record, "results/x/records/gather/job.json")
    assert finding.message == f"it does not name what its script imports: {taken}"
    assert finding.affects == ("results/x/a.csv",)


def test_more_than_the_script_imports(check):
    """What is imported by name."""
    assert check(**{"upwind.networks.unet": "a" * 64}) == ()


@pytest.mark.parametrize("other", ["upwind.common.errors", SCRIPT])
def test_of_other_code_imports_are_not_known(check, other):
    assert check("upwind.common.files", **{other: "0" * 64}) == ()


@pytest.mark.parametrize("name", ["gone.py", "../scripts/tabulate.py", "/dev/zero.py"])
def test_no_other_file_is_read(check, name):
    assert check("upwind.common.files", name) == ()
