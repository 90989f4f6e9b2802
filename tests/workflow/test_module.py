"""The workflow as a module of another one, as `snakedeploy deploy-workflow` writes it: from a
checkout, and fetched file by file from a git repository, with the package installed."""

import json
import shutil
import subprocess

import pytest

OUTER = """
configfile: "config/config.yaml"

module upwind:
    snakefile:
        "{snakefile}"
    config:
        config

use rule * from upwind

rule mine:
    input:
        "results/demo/methods.json",
    output:
        "mine.txt",
    shell:
        "cp {{input}} {{output}}"
"""


def git(folder, *arguments):
    named = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    command = ["git", "-C", str(folder), *named, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(repository):
    """The Snakefile of this checkout."""
    return f"{repository}/workflow/Snakefile"


@pytest.fixture
def hosted(repository, tmp_path):
    """The Snakefile in a git repository that has no package beside it."""
    folder = tmp_path / "hosted"
    for name in ("workflow", "envs"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(repository / name, folder / name, ignore=ignored)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return f"git+file://{folder}/workflow/Snakefile@main"


@pytest.fixture(params=["checkout", "hosted"])
def outer(request, workplace):
    """A workplace whose own workflow uses ours."""
    snakefile = request.getfixturevalue(request.param)
    workplace.snakefile = workplace.folder / "workflow/Snakefile"
    workplace.snakefile.parent.mkdir()
    workplace.snakefile.write_text(OUTER.format(snakefile=snakefile))
    return workplace


@pytest.fixture(scope="module")
def own_rules(shared_workplace, plan):
    """The rules of the jobs that the workflow plans by itself, one for each job."""
    return sorted(job.rule for job in plan(shared_workplace))


def test_its_plan_is_the_workflows_own(outer, plan, own_rules):
    assert sorted(job.rule for job in plan(outer)) == own_rules
    assert len(own_rules) > 100


@pytest.mark.parametrize(
    ("plain", "renaming", "said"),
    [
        ("    config:\n", '    prefix:\n        "sub"\n    config:\n', "prefix"),
        ("from upwind\n", "from upwind as mine_*\n", "as"),
    ],
)
def test_a_module_that_renames_files_or_rules_is_refused(
    workplace, checkout, plain, renaming, said
):
    workplace.snakefile = workplace.folder / "workflow/Snakefile"
    workplace.snakefile.parent.mkdir()
    text = OUTER.format(snakefile=checkout)
    workplace.snakefile.write_text(text.replace(plain, renaming))
    done = workplace.snakemake("mine")
    assert done.returncode == 1
    assert f"the module that uses upwind says `{said}`" in done.stdout


def test_its_jobs_leave_records_and_those_of_others_do_not(outer, repository):
    done = outer.snakemake("mine")
    assert done.returncode == 0, done.stdout
    made = outer.folder / "results/demo"
    assert (outer.folder / "mine.txt").read_bytes() == (made / "methods.json").read_bytes()
    (record,) = (made / "records").rglob("*.json")
    assert record.parent.name == "describe_methods"
    commit = (json.loads(record.read_text())["git"] or {}).get("commit")
    is_hosted = "git+file" in outer.snakefile.read_text()
    assert commit == (None if is_hosted else git(repository, "rev-parse", "HEAD"))
