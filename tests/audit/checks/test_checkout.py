"""Records against code, packages and git."""

import importlib.metadata
import os
import platform

import pytest

import upwind
from upwind.audit.checks.checkout import Checkout, check_code, find_checkout, fingerprint_of
from upwind.audit.findings import FindingKind, Severity
from upwind.audit.provenance_graph import load
from upwind.provenance.fingerprint import combined, source_fingerprint

WEIGHTS = "results/x/networks/unet/0/weights.st"
LOSS, SCRIPT = "RATE = 1\n", "print('train')\n"


@pytest.fixture
def checkout(tmp_path):
    """A repository with a package of two modules, and a script."""
    package = tmp_path / "repository/src/upwind"
    for path, text in (
        (package / "__init__.py", ""),
        (package / "training/__init__.py", ""),
        (package / "training/loss.py", LOSS),
        (tmp_path / "repository/workflow/scripts/train.py", SCRIPT),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Checkout(package, tmp_path / "repository")


@pytest.fixture
def trained(project):
    """Leave the record of a training by the code of ``checkout``, and audit it."""

    def train(checkout, **others):
        code = {"upwind.training.loss": source_fingerprint(LOSS)}
        code |= {"upwind.training": source_fingerprint(""), "train.py": source_fingerprint(SCRIPT)}
        fields = {"code": code, "packages": {"numpy": importlib.metadata.version("numpy")}}
        fields |= {"machine": {"python": platform.python_version()}} | others
        fields["params"] = {"code": combined(fields["code"] | fields["packages"])}
        project.job("train", outputs={WEIGHTS: "weights"}, **fields | others)
        run = load(project.results)
        return check_code(run, {"results/x/records/train/job.json"}, checkout)

    return train


def test_the_same_code(trained, checkout):
    checked = trained(checkout)
    assert checked.findings == ()
    assert checked.counts == {"modules": 3, "packages": 1}


def test_comments_and_formatting_do_not_count(trained, checkout):
    (checkout.package / "training/loss.py").write_text('"""Loss."""\n\nRATE   = 1  # or so\n')
    assert trained(checkout).findings == ()


def test_an_edited_module_is_named_with_what_was_made_by_it(trained, checkout):
    (checkout.package / "training/loss.py").write_text("RATE = 2\n")
    (finding,) = trained(checkout).findings
    assert (finding.severity, finding.kind) == (Severity.broken, FindingKind.code)
    assert finding.path == "src/upwind/training/loss.py"
    assert "upwind.training.loss is not what it was when train ran" in finding.message
    assert {WEIGHTS, "results/x/table1.csv"} <= set(finding.affects)


@pytest.mark.parametrize("text", [None, "RATE = ("])
def test_a_module_that_is_gone_or_no_python(trained, checkout, text):
    path = checkout.package / "training/loss.py"
    path.unlink() if text is None else path.write_text(text)
    (finding,) = trained(checkout).findings
    assert finding.path == "src/upwind/training/loss.py"


def test_an_edited_script(trained, checkout):
    (checkout.repository / "workflow/scripts/train.py").write_text("print('other')\n")
    (finding,) = trained(checkout).findings
    assert (finding.kind, finding.path) == (FindingKind.code, "workflow/scripts/train.py")


def test_without_a_repository_scripts_cannot_be_compared(trained, checkout):
    (finding,) = trained(Checkout(checkout.package, None)).findings
    assert (finding.severity, finding.path) == (Severity.unchecked, "workflow/scripts")


@pytest.mark.parametrize(("package", "now"), [("numpy", "2"), ("no-such-package", "not installed")])
def test_another_version_of_a_package(trained, checkout, package, now):
    (finding,) = trained(checkout, packages={package: "0.1"}).findings
    assert (finding.severity, finding.kind, finding.path) == (
        Severity.broken,
        FindingKind.package,
        package,
    )
    assert "0.1 when train ran" in finding.message
    assert now in finding.message


def test_a_fingerprint_that_is_not_of_the_listed_modules(trained, checkout):
    (finding,) = trained(checkout, params={"code": "0" * 64}).findings
    assert (finding.kind, finding.path) == (FindingKind.record, "results/x/records/train/job.json")


@pytest.mark.parametrize("git", [{"commit": "c" * 40, "dirty": True}, None])
def test_code_that_was_not_committed_is_a_warning(trained, checkout, git):
    (finding,) = trained(checkout, git=git).findings
    assert (finding.severity, finding.kind) == (Severity.warning, FindingKind.uncommitted)


def test_several_commits_and_another_python_are_warnings(project, checkout):
    project.job("one", git={"commit": "a" * 40, "dirty": False}, machine={"python": "2.7"})
    project.job("two", git={"commit": "b" * 40, "dirty": False}, machine={"python": "2.7"})
    run = load(project.results)
    names = [f"results/x/records/{rule}/job.json" for rule in ("one", "two")]
    commits, python = check_code(run, names, checkout).findings
    assert (commits.severity, commits.kind) == (Severity.warning, FindingKind.commits)
    assert "1 at aaaaaaa, 1 at bbbbbbb" in commits.message
    assert (python.severity, python.kind) == (Severity.warning, FindingKind.machine)


def test_the_workflows_own_folder_comes_first(checkout, tmp_path):
    assert find_checkout(tmp_path).package.samefile(upwind.__path__[0])
    (checkout.repository / "workflow/Snakefile").touch()
    found = find_checkout(checkout.repository)
    assert found == checkout
    assert found.snakefile == checkout.repository / "workflow/Snakefile"


SOURCES = {
    "open brackets": "(" * 10_000,
    "signs": "x = " + "-" * 100_000 + "1",
    "calls": "f" + "()" * 50_000,
    "sums": "x = 1" + "+1" * 50_000,
    "zero": "x = 1\x00",
    "words": "once upon a time",
    "long": "x = 1\n" * 50_000,
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_that_nobody_writes_has_no_fingerprint(name, tmp_path):
    """Nested deeper than Python's parser goes, longer than any module, or none."""
    path = tmp_path / "module.py"
    path.write_text(SOURCES[name])
    assert fingerprint_of(path) is None


def test_a_source_that_is_no_plain_file_has_no_fingerprint(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    for name in ("pipe.py", "gone.py", "."):
        assert fingerprint_of(tmp_path / name) is None
