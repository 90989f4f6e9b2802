"""The contract with Snakemake: what each function of ``upwind.common.snakemake`` relies on.

These parts of Snakemake are undocumented, so that any release may change them. After an upgrade a
failure here names the function to mend, what it is for, and what it took for granted. Where all
pass, the cap in ``pyproject.toml`` may be raised.
"""

import ast
import functools
import inspect
import os
import re
import sys
import tomllib
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import snakemake
from packaging.requirements import Requirement
from packaging.version import Version
from snakemake.api import SnakemakeApi
from snakemake.exceptions import IncompleteFilesException
from snakemake.jobs import GroupJobFactory
from snakemake.resources import Resources
from snakemake.settings.enums import Quietness
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    GroupSettings,
    OutputSettings,
    ResourceSettings,
    WorkflowSettings,
)
from snakemake.workflow import Workflow
from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry
from snakemake_interface_executor_plugins.settings import ExecMode

from upwind.common import snakemake as inside

REPOSITORY = Path(__file__).resolve().parents[2]
HELD = set()  # functions that a contract below holds


def contract(function, *, needed_for, relies_on):
    """Let a test's failure say which function of the module is to be mended, and what it is for."""
    HELD.add(function)

    def decorate(test):
        @functools.wraps(test)
        def told(*arguments, **named):
            try:
                test(*arguments, **named)
            except Exception as error:
                raise AssertionError(
                    f"Mend upwind.common.snakemake.{function} for Snakemake "
                    f"{snakemake.__version__}. It is needed for {needed_for}. It relies on "
                    f"{relies_on}. What came instead: {type(error).__name__}: {error}"
                ) from error

        return told

    return decorate


SNAKEFILE = """
def own_group(wildcards):
    return f"pairs{int(wildcards.number) // 2}"

rule all:
    input:
        "last.txt",

rule first:
    input:
        "raw.txt",
    output:
        "first.txt",
    log:
        "first.log",
    script:
        "copy.py"

rule second:
    input:
        ancient("first.txt"),
        "own.txt",
    output:
        "{name}nd.txt",
    params:
        size=config["size"],
    resources:
        mem_mb=10,
        runtime=lambda wildcards: 5,
        slurm_partition="",
    script:
        "copy.py"

rule last:
    input:
        "second.txt",
    output:
        "last.txt",
    script:
        "copy.py"

rule other:
    output:
        "other.txt",
    script:
        "copy.py"

rule one_of_four:
    output:
        "four{number}.txt",
    group:
        own_group
    script:
        "copy.py"
"""
SCRIPT = "from pathlib import Path\nPath(snakemake.output[0]).write_text('made')\n"
ALL_FILES = ("copy.py", "raw.txt", "own.txt", "first.txt", "second.txt", "last.txt")
FOUR = {f"four{number}.txt" for number in range(4)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A workflow of three rules, of which the second marks its input from the first as ancient.
    Every file is there, each younger than what it is made from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])  # to which Snakemake adds
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    for age, name in enumerate(reversed(ALL_FILES)):
        (tmp_path / name).write_text(SCRIPT if name == "copy.py" else name)
        date = 10**9 - 100 * age
        os.utime(tmp_path / name, (date, date))
    return tmp_path


def touch(name):
    """Make a file younger than all others."""
    os.utime(name, (1.5e9, 1.5e9))


@contextmanager
def read(folder, *, mode=ExecMode.DEFAULT, configfiles=(), **resources):
    """Snakemake's API after it has read the Snakefile, and the workflow that a Snakefile sees."""
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        read_workflow = api.workflow(
            ResourceSettings(cores=1, **resources),
            ConfigSettings(config={"size": 1}, configfiles=configfiles),
            workflow_settings=WorkflowSettings(exec_mode=mode),
            snakefile=folder / "Snakefile",
            workdir=folder,
        )
        yield read_workflow, read_workflow._workflow


def execute(api, executor="dryrun", *, targets=(), **groups):
    """Run the workflow, or only plan it; the files that this makes, or would make."""
    made = []
    api.dag(DAGSettings(targets=set(targets))).execute_workflow(
        executor=executor, group_settings=GroupSettings(**groups), updated_files=made
    )
    return set(made)


def planned(folder, *prepare, targets=()):
    """Files that a dry run would make, with the workflow prepared so."""
    with read(folder) as (api, workflow):
        for act in prepare:
            act(workflow)
        return execute(api, targets=targets)


# ---- The run ----


@contract(
    "is_main_process",
    needed_for="looking at records and volumes once, not again in every job",
    relies_on="Workflow.is_main_process, true unless Snakemake was started for a job",
)
def test_the_process_that_the_user_started(folder):
    with read(folder) as (_, workflow):
        assert inside.is_main_process(workflow) is True
    with read(folder, mode=ExecMode.SUBPROCESS) as (_, workflow):
        assert inside.is_main_process(workflow) is False


@contract(
    "submits_jobs",
    needed_for="trying a cluster's names before the first job",
    relies_on="Workflow.non_local_exec, which asks the settings of the executor's plugin",
)
def test_whether_jobs_run_elsewhere(folder):
    with read(folder) as (_, workflow):
        for executor, elsewhere in (("local", False), ("slurm", True)):
            workflow._executor_plugin = ExecutorPluginRegistry().get_plugin(executor)
            assert inside.submits_jobs(workflow) is elsewhere


@contract(
    "config_files",
    needed_for="finding settings that a file writes twice",
    relies_on="Workflow.configfiles, to which the directive configfile adds its own",
)
def test_the_configuration_files_that_were_read(folder):
    mine, other = folder / "mine.yaml", folder / "other.yaml"
    for path in (mine, other):
        path.write_text("size: 2")
    snakefile = folder / "Snakefile"
    snakefile.write_text(f'configfile: "{other}"\n\n\n' + snakefile.read_text())
    with read(folder, configfiles=[mine]) as (_, workflow):
        assert inside.config_files(workflow) == [str(mine), str(other)]


@contract(
    "renamed_by_module",
    needed_for="refusing a module whose results no record would vouch for",
    relies_on="Workflow.modifier while rules are read, its modify_rulename and the replace_prefix "
    "of its path_modifier",
)
@pytest.mark.parametrize(
    ("said", "used", "expected"),
    [
        ("", "", []),
        ('prefix: "sub"', "", ["prefix"]),
        ('replace_prefix: {"results/": "other/"}', "", ["prefix"]),
        ("", "as mine_*", ["as"]),
    ],
)
def test_what_a_module_statement_renames(tmp_path, monkeypatch, said, used, expected):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "inner.smk").write_text(
        "from upwind.common import snakemake as inside\n"
        "config['found'] += [inside.renamed_by_module(workflow, ['results/demo', 'data'])]\n"
    )
    (tmp_path / "Snakefile").write_text(
        "config['found'] = []\n\n"
        "module inner:\n"
        '    snakefile: "inner.smk"\n'
        "    config: config\n"
        f"    {said}\n\n"
        f"use rule * from inner {used}\n"
    )
    with read(tmp_path) as (_, workflow):
        workflow.include(workflow.main_snakefile, overwrite_default_target=True)
        assert workflow.globals["config"]["found"] == [expected]


@contract(
    "resources_of",
    needed_for="trying a cluster's names before the first job",
    relies_on="Workflow.get_rule, and Resource.raw as a rule or the profile's default-resources "
    "say it, None where a function tells",
)
def test_resources_as_the_profile_says_them(folder):
    defaults = Resources.parse(
        ["slurm_account=liver", "slurm_partition=short"], allow_expressions=True
    )
    with read(folder, default_resources=defaults) as (_, workflow):
        assert inside.resources_of(workflow, "second") == {"mem_mb": 10, "slurm_account": "liver"}
        assert inside.resources_of(workflow, "first")["slurm_partition"] == "short"


# ---- Rules and their jobs ----


@contract(
    "rules_with_jobs",
    needed_for="letting every job leave a record",
    relies_on="Workflow.rules, those of Workflow.modifier, and Rule.norun of rules that only name "
    "others' outputs",
)
def test_rules_that_run_something(folder):
    with read(folder) as (_, workflow):
        names = [rule.name for rule in inside.rules_with_jobs(workflow)]
    assert names == ["first", "second", "last", "other", "one_of_four"]


@contract(
    "script_of",
    needed_for="following the code that a job can reach",
    relies_on="Rule.script, relative to Rule.basedir, a SourceFile: a path where it is local, else "
    "Workflow.sourcecache copies it",
)
def test_the_script_of_a_rule(folder):
    with read(folder) as (_, workflow):
        assert inside.script_of(workflow.get_rule("first")) == (folder / "copy.py").resolve()
        with pytest.raises(ValueError, match="rule all has no script"):
            inside.script_of(workflow.get_rule("all"))


@contract(
    "add_param",
    needed_for="the parameter `code`, by which jobs run again when code that they reach changes",
    relies_on="Rule.set_params with a function of `wildcards`, also after the rule was read",
)
def test_a_parameter_more(folder):
    with read(folder) as (api, workflow):
        inside.add_param(workflow.get_rule("second"), "code", lambda w: f"version {w['name']}")
        execute(api)
        (job,) = (job for job in workflow.dag.jobs if job.rule.name == "second")
    assert dict(job.params.items()) == {"size": 1, "code": "version seco"}


@contract(
    "run_within",
    needed_for="the record of every job, made where the job runs",
    relies_on="Rule.run_func, called with input, output, params, wildcards, threads, resources and "
    "log as its first arguments, and Rule.expand_input, which marks ancient inputs",
)
def test_around_a_job_that_runs(folder):
    around = []

    @contextmanager
    def note(job):
        around.append((job, Path("second.txt").exists()))
        yield
        around.append((job, Path("second.txt").read_text()))

    touch("own.txt")
    with read(folder) as (api, workflow):
        inside.run_within(workflow.get_rule("second"), note)
        execute(api, "local", targets=["second.txt"])
    job = inside.RunningJob(
        rule="second",
        wildcards={"name": "seco"},
        inputs=["first.txt", "own.txt"],
        outputs=["second.txt"],
        logs=[],
        params={"size": 1},
        threads=1,
        order_only=["first.txt"],
    )
    # Snakemake has removed the output of before.
    assert around == [(job, False), (job, "made")]


# ---- Before and after Snakemake decides which jobs run ----


@contract(
    "before_planning",
    needed_for="saying which files to make again, in a run and in a dry run",
    relies_on="Workflow._build_dag, called once without arguments, when Workflow.dag is there and "
    "has no jobs yet",
)
def test_before_the_jobs_are_known(folder):
    seen = []
    with read(folder) as (api, workflow):
        inside.before_planning(workflow, lambda: seen.append(len(list(workflow.dag.jobs))))
        execute(api)
    assert seen == [0]


@contract(
    "after_planning",
    needed_for="telling the user why jobs run again",
    relies_on="Workflow._build_dag, called once without arguments, after which the jobs are known",
)
def test_after_the_jobs_are_known(folder):
    seen = []
    with read(folder) as (api, workflow):
        inside.after_planning(workflow, lambda: seen.append(len(list(workflow.dag.jobs))))
        execute(api)
    assert seen == [4]


@contract(
    "ignore_edited_scripts",
    needed_for="running nothing again for a comment in a script, whatever profile is in use",
    relies_on="DAGSettings.rerun_triggers, a set of enums of which one is called CODE",
)
def test_a_script_that_was_edited(folder):
    touch("copy.py")
    assert planned(folder, targets=["first.txt"]) == {"first.txt"}
    assert planned(folder, inside.ignore_edited_scripts) == set()


@contract(
    "make_incomplete_again",
    needed_for="going on after a run that was killed, whatever profile is in use",
    relies_on="DAGSettings.force_incomplete, by which files marked as incomplete are made again",
)
def test_what_a_killed_job_left(folder):
    with read(folder) as (api, workflow):
        execute(api)
        (job,) = (job for job in workflow.dag.jobs if "second.txt" in job.output)
        workflow.persistence.started(job)
    with pytest.raises(IncompleteFilesException):
        planned(folder)
    assert planned(folder, inside.make_incomplete_again) == {"second.txt", "last.txt"}


@contract(
    "make_again",
    needed_for="making again what records do not vouch for",
    relies_on="DAG.forcefiles, a set of paths whose jobs run if they are in the plan at all",
)
def test_files_to_make_again(folder):
    def force(workflow):
        inside.make_again(workflow, {"second.txt": "", "of-nobody.txt": ""})

    assert planned(folder) == set()
    assert planned(folder, force) == {"second.txt", "last.txt"}
    assert planned(folder, force, targets=["other.txt"]) == {"other.txt"}


@contract(
    "look_behind_ancient",
    needed_for="seeing at once that a job has changed, though one runs that it only waits for",
    relies_on="DAG.bfs(DAG.depending, job), by which Snakemake passes over what follows a job that "
    "runs, and on the flag is_ancient of the files along DAG.depending",
)
def test_a_change_behind_an_ancient_input(folder):
    def force(workflow):
        inside.make_again(workflow, ["first.txt"])

    touch("own.txt")
    assert planned(folder) == {"second.txt", "last.txt"}
    assert planned(folder, force, inside.look_behind_ancient) == {
        "first.txt",
        "second.txt",
        "last.txt",
    }


def test_snakemake_itself_does_not_look_behind_ancient_inputs(folder):
    """Where this fails, Snakemake was mended and look_behind_ancient can go."""
    touch("own.txt")
    force = functools.partial(inside.make_again, outputs=["first.txt"])
    assert planned(folder, force) == {"first.txt"}


@contract(
    "jobs_to_run",
    needed_for="telling the user why jobs run again",
    relies_on="DAG.needrun_jobs, and Job.rule and Job.output of each",
)
def test_the_jobs_that_are_to_run(folder):
    touch("own.txt")
    jobs = {}
    with read(folder) as (api, workflow):
        inside.after_planning(workflow, lambda: jobs.update(inside.jobs_to_run(workflow)))
        execute(api)
    assert jobs == {"second": ["second.txt"], "last": ["last.txt"], "all": []}


# ---- Groups of jobs ----


@contract(
    "jobs_per_group",
    needed_for="putting neighbouring cases into one submission",
    relies_on="GroupSettings.group_components, a mapping by name of the group",
)
def test_jobs_of_a_group(folder):
    with read(folder) as (api, workflow):
        execute(api, group_components={"pairs": 2})
        assert inside.jobs_per_group(workflow, "pairs") == 2
        assert inside.jobs_per_group(workflow, "tables") is None


def submissions(folder, prepare):
    """Sizes of the groups of four jobs whose function puts two and two together."""
    with read(folder) as (api, workflow):
        prepare(workflow)
        execute(api, targets=FOUR, group_components={"pairs": 2})
        groups = {id(group): group for group in workflow.dag._group.values()}
        return sorted(len(list(group.jobs)) for group in groups.values())


@contract(
    "count_as",
    needed_for="putting neighbouring cases into one submission",
    relies_on="Workflow.parent_groupids, the name by which group-components counts a group",
)
def test_groups_that_a_function_chooses(folder):
    def count(workflow):
        for number in (0, 1):
            inside.count_as(workflow, f"pairs{number}", "pairs")

    assert submissions(folder, lambda workflow: None) == [1, 1, 1, 1]
    assert submissions(folder, count) == [2, 2]


class Member:
    """As much of a job as a group asks for."""

    priority = 0
    dag = SimpleNamespace(workflow=SimpleNamespace(execution_settings=SimpleNamespace(attempt=1)))


def formed_anew(mend):
    """Members of a group that is formed, merged with an old job, and formed again without it."""
    first, old = Member(), Member()
    factory = GroupJobFactory()
    formed = []

    def update_groups():
        formed.append(factory.new("tables", [first], {}))

    dag = SimpleNamespace(group_job_factory=factory, update_groups=update_groups)
    workflow = SimpleNamespace(dag=dag, _build_dag=lambda: dag.update_groups())
    if mend:
        inside.form_groups_anew(workflow)
    workflow._build_dag()
    formed[0].merge(factory.new("tables", [old], {}))
    dag.update_groups()
    return set(formed[1]._jobs), first, old


def test_snakemake_itself_brings_back_what_was_merged():
    """Where this fails, Snakemake was mended and form_groups_anew can go."""
    members, first, old = formed_anew(mend=False)
    assert members == {first, old}


@contract(
    "form_groups_anew",
    needed_for="runs on a cluster whose checkpoints come before grouped jobs",
    relies_on="DAG.update_groups, called whenever groups are formed, and DAG.group_job_factory, "
    "which keeps groups in a dict called cache",
)
def test_a_group_formed_anew_has_the_jobs_that_there_are(folder):
    members, first, _ = formed_anew(mend=True)
    assert members == {first}
    cleared = []

    class Cache(dict):
        def clear(self):
            cleared.append(len(self))
            super().clear()

    with read(folder) as (api, workflow):
        inside.form_groups_anew(workflow)
        inside.before_planning(
            workflow,
            lambda: setattr(workflow.dag.group_job_factory, "cache", Cache(old="group")),
        )
        execute(api, targets=FOUR)
        assert cleared[0] == 1
        assert len(workflow.dag.group_job_factory.cache) == len(FOUR)


# ---- The plan, for who is outside ----


def told_plan(monkeypatch, *arguments):
    """The jobs of a plan by rule."""
    monkeypatch.setattr(Workflow, "_build_dag", Workflow._build_dag)  # put back in the end
    plans = []
    arguments = ["--cores", "1", "--quiet", "all", *arguments, "--config", "size=2"]
    with pytest.raises(SystemExit) as end:
        inside.tell_plan(arguments, plans.append)
    assert not end.value.code
    (plan,) = plans
    return {job.rule: job for job in plan}


@contract(
    "tell_plan",
    needed_for="an audit's question whether records are what the configuration asks for",
    relies_on="snakemake.cli.main, Workflow._build_dag, and DAG.jobs, needrun and reason, whose "
    "get_names are the words FOLLOWS and PARAMS",
)
def test_the_plan_of_all_jobs(folder, monkeypatch):
    with read(folder) as (api, _):
        touch("own.txt")
        execute(api, "local", targets=["second.txt"])  # now Snakemake knows its parameters
    for age, name in enumerate(("last.txt", "second.txt", "own.txt")):
        os.utime(name, (1.6e9 - age, 1.6e9 - age))
    plan = told_plan(monkeypatch, "--dry-run")
    assert plan["first"] == inside.PlannedJob(
        rule="first",
        wildcards={},
        inputs=["raw.txt"],
        outputs=["first.txt"],
        order_only=[],
        params={},
        causes=[],
    )
    second = plan["second"]
    assert (second.wildcards, second.params) == ({"name": "seco"}, {"size": 2})
    assert second.order_only == ["first.txt"]
    assert second.causes == [inside.PARAMS]
    assert not second.follows
    assert second.reason.startswith("Params have changed since last execution")
    assert plan["last"].causes == [inside.FOLLOWS]
    assert plan["last"].follows
    assert set(plan) == {"first", "second", "last"}


# ---- The contract itself ----


def test_every_function_is_held_by_a_contract():
    functions = {
        name
        for name, member in inspect.getmembers(inside, inspect.isfunction)
        if member.__module__ == inside.__name__ and not name.startswith("_")
    }
    assert functions == HELD


def test_a_failure_names_what_is_to_be_mended(folder, monkeypatch):
    """As if an upgrade had taken away what before_planning replaces."""
    monkeypatch.setattr(Workflow, "_make_dag", Workflow._build_dag, raising=False)
    monkeypatch.delattr(Workflow, "_build_dag")
    with pytest.raises(AssertionError) as failure:
        test_before_the_jobs_are_known(folder)
    said = str(failure.value)
    assert said.startswith(
        f"Mend upwind.common.snakemake.before_planning for Snakemake {snakemake.__version__}. "
        "It is needed for saying which files to make again"
    )
    assert "AttributeError" in said


def test_the_cap_lets_in_only_the_release_that_was_tested():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    (asked,) = (r for d in project["dependencies"] if (r := Requirement(d)).name == "snakemake")
    tested = Version(snakemake.__version__)
    assert tested in asked.specifier
    assert f"{tested.major}.{tested.minor + 1}" not in asked.specifier
    first = re.search(
        r'min_version\("([\d.]+)"\)', (REPOSITORY / "workflow/Snakefile").read_text()
    )[1]
    assert first in asked.specifier


def imported(path):
    """Modules that a file of Python imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_nothing_else_reaches_into_snakemake():
    """Documented for Snakefiles are the exceptions, the logger and `workflow.basedir`; another
    workflow's module asks for `workflow.current_basedir` in its place."""
    here = REPOSITORY / "src/upwind/common/snakemake.py"
    for path in (REPOSITORY / "src").rglob("*.py"):
        if path != here:
            found = {name for name in imported(path) if name.split(".")[0] == "snakemake"}
            assert found <= {"snakemake.logging"}, path
    workflow = REPOSITORY / "workflow"
    for path in [workflow / "Snakefile", *(workflow / "rules").glob("*.smk")]:
        text = path.read_text()
        assert set(re.findall(r"\bworkflow\.(?!rst)(\w+)", text)) <= {"current_basedir"}, path
        found = set(re.findall(r"^ *(?:from|import) (snakemake[\w.]*)", text, re.MULTILINE))
        assert found <= {"snakemake.exceptions", "snakemake.logging", "snakemake.utils"}, path


def test_reading_the_module_does_not_load_snakemake():
    """`upwind show` and the like start without it."""
    source = Path(inside.__file__)
    top = ast.parse(source.read_text()).body
    names = [ast.unparse(node) for node in top if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not any(name.startswith(("import snakemake", "from snakemake")) for name in names)
    assert sys.modules["snakemake"] is not inside
