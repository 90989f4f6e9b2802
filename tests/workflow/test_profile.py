"""`--profile slurm`: what is submitted for LiTS, where it goes, and what a group asks for."""

import base64
import os
import re
import subprocess
from collections import Counter, defaultdict
from types import SimpleNamespace

import pytest
import yaml
from snakemake.resources import GroupResources

CASES, CORES = 131, 8
LOCAL = {"write_config", "describe_methods"}  # run where snakemake runs; a plan does not say so
# Slices a case: LiTS has 42 to 1026.
SLICES = [42 + round(place * 984 / (CASES - 1)) for place in range(CASES)]


@pytest.fixture(scope="module")
def profile(repository, tmp_path_factory):
    """The profile with a site's names in it."""
    folder = tmp_path_factory.mktemp("profile")
    text = (repository / "workflow/profiles/slurm/config.yaml").read_text()
    parts = text.split('slurm_partition: ""')
    assert len(parts) == 3, "one for CPU jobs, one for GPU jobs"
    text = f"{parts[0]}slurm_partition: short{parts[1]}slurm_partition: gpus{parts[2]}"
    (folder / "config.yaml").write_text(text.replace('slurm_account: ""', "slurm_account: liver"))
    return folder


@pytest.fixture(scope="module")
def lits(shared_workplace, profile, plan, write_headers):
    """The jobs of the paper's experiment on 131 cases."""
    write_headers(shared_workplace.folder / "raw", SLICES)
    mine = shared_workplace.configure({"dataset": {"root": "raw"}})
    files = [shared_workplace.folder / "config/lits.yaml", mine]
    arguments = ("--profile", profile, "--cores", CORES)
    return plan(shared_workplace, *arguments, configfiles=files)


@pytest.fixture(scope="module")
def groups(lits):
    """Jobs of each group by its name."""
    found = defaultdict(list)
    for job in lits:
        if job.group:
            found[job.group].append(job)
    return found


def asked(jobs):
    """Cores, MiB and minutes that Snakemake asks for a group of independent jobs."""
    members = [
        SimpleNamespace(
            resources={name: job.resources[name] for name in ("mem_mb", "runtime")}
            | {"_cores": job.threads},
            pipe_group=None,
        )
        for job in jobs
    ]
    limit = {"_cores": CORES}
    constraints = SimpleNamespace(get=lambda name: SimpleNamespace(value=limit.get(name)))
    total = GroupResources.basic_layered([members], constraints, run_local=False)
    return total["_cores"], total["mem_mb"], total["runtime"]


def test_lits_takes_100_submissions(lits, groups):
    """Stated in docs/slurm.md."""
    alone = Counter(job.rule for job in lits if not job.group and job.rule not in LOCAL)
    kinds = Counter(name.rstrip("0123456789") for name in groups)
    # 131 cases, 20 or 8 to a group.
    assert kinds == {
        "checks": 7, "slices": 7, "level_sets": 17, "splits": 1, "kernels": 1, "stencils": 1,
        "tables": 1, "convergence": 1,
    }  # fmt: skip
    assert alone == {
        "collect_cases": 1, "assign_folds": 1, "train": 11, "train_variant": 1, "segment_fold": 10,
        "score_network": 10, "score_untrained": 4, "draw_curves": 1, "draw_figure1": 1,
        "tune_level_set": 5, "segment_blind": 5, "postprocess_fold": 10, "score_followup": 2,
        "compare_followup": 1, "draw_followup": 1,
    }  # fmt: skip
    assert len(groups) + sum(alone.values()) == 100


def test_local_rules_write_one_small_file_or_move_data(repository):
    rules = "".join(path.read_text() for path in (repository / "workflow/rules").glob("*.smk"))
    blocks = re.split(r"^ *(?:rule|checkpoint) (?=\w+:$)", rules, flags=re.MULTILINE)
    local = {block.partition(":")[0] for block in blocks if "localrule: True" in block}
    assert local == LOCAL | {"mark_phantom", "pull_data", "track_slices"}


def test_every_job_is_in_one_submission(lits, groups):
    assert Counter(job.rule for job in lits)["operate_level_set"] == CASES
    assert max(map(len, groups.values())) == 20
    for name in ("checks", "slices", "level_sets"):
        members = [
            j.wildcards["case"] for g, jobs in groups.items() if g.startswith(name) for j in jobs
        ]
        assert sorted(members) == list(range(CASES))
    # Neighbours go together, whichever order Snakemake has them in.
    assert sorted(job.wildcards["case"] for job in groups["checks1"]) == list(range(20, 40))


def test_training_and_segmentation_go_to_gpu_nodes_and_the_rest_to_cpu_nodes(lits):
    for job in lits:
        gpu = job.rule in ("train", "train_variant", "segment_fold")
        assert job.resources.get("gpu") == (1 if gpu else None)
        if job.rule not in LOCAL:
            assert job.resources["slurm_partition"] == ("gpus" if gpu else "short")
            assert job.resources["slurm_account"] == "liver"


def test_a_group_asks_for_what_one_node_has(groups):
    for name, jobs in groups.items():
        cores, memory, minutes = asked(jobs)
        assert cores <= CORES, name
        assert memory <= 20_000, name
        assert minutes <= 120, name
    # The last 20 cases are the longest: eight at a time, then eight, then four.
    by_length = [asked(groups[f"slices{place}"]) for place in (0, 5)]
    assert by_length[0][0] == by_length[1][0] == CORES
    assert 2 * by_length[0][1] < by_length[1][1]


def test_the_name_slurm_leads_to_the_profile(repository):
    """Snakemake looks for ./slurm/config.yaml."""
    assert (repository / "slurm").resolve() == repository / "workflow/profiles/slurm"
    assert not (repository / "slurm").readlink().is_absolute()


def test_the_readme_explains_what_a_site_edits(repository):
    profile = yaml.safe_load((repository / "workflow/profiles/slurm/config.yaml").read_text())
    text = (repository / "config/README.md").read_text()
    edited = [*profile["default-resources"], *profile["set-resources"]["train"]]
    edited += [*profile["group-components"], "jobs", "retries", "slurm-status-command"]
    assert all(f"`{name}`" in text for name in edited)
    assert profile["set-resources"]["train"] == profile["set-resources"]["segment_fold"]


def test_no_profile_is_read_unasked(repository, tmp_path, python):
    """One called `default` beside the Snakefile would be read with every command, and its keys
    take the place of those of `--profile`."""
    assert [path.name for path in (repository / "workflow/profiles").iterdir()] == ["slurm"]
    (tmp_path / "Snakefile").write_text("rule one:\n    output: 'x'\n    shell: 'touch x'\n")
    for name, cores in (("profiles/default", 1), ("named", 2)):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.yaml").write_text(f"cores: {cores}\n")
    command = [python, "-m", "snakemake", "--profile", "named"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Provided cores: 1" in done.stderr


@pytest.mark.parametrize("named", [True, False])
def test_what_a_killed_job_left_is_made_again_with_the_profile_and_without(
    named, workplace, profile, plan
):
    output = "results/demo/methods.json"
    (workplace.folder / output).parent.mkdir(parents=True)
    (workplace.folder / output).write_text("{")
    marks = workplace.folder / ".snakemake/incomplete"
    marks.mkdir(parents=True)
    (marks / base64.b64encode(output.encode(), b"-_").decode()).touch()
    arguments = ("--profile", profile) if named else ()
    assert [job.rule for job in plan(workplace, *arguments, output)] == ["describe_methods"]


@pytest.fixture
def squeue(repository, tmp_path):
    """A function of what SLURM's squeue prints and its exit code: what the profile's returns."""

    def run(states, code=0):
        real = tmp_path / "squeue"
        real.write_text(f"#!/bin/sh\nprintf '{states}'\nexit {code}\n")
        real.chmod(0o755)
        ours = repository / "workflow/profiles/slurm/bin"
        # Twice, as where one run starts another.
        path = f"{ours}:{ours}:{tmp_path}:{os.environ['PATH']}"
        command = ["squeue", "--format=%i|%T", "--states=all"]
        return subprocess.run(
            command, env={"PATH": path}, capture_output=True, text=True, timeout=10, check=False
        )

    return run


def test_a_preempted_job_is_a_cancelled_one_to_the_plugin(squeue):
    done = squeue(r"1|RUNNING\n2|PREEMPTED\n3|COMPLETED\n22|PREEMPTED\n")
    assert done.returncode == 0
    assert done.stdout == "1|RUNNING\n2|CANCELLED\n3|COMPLETED\n22|CANCELLED\n"


def test_a_squeue_that_fails_still_fails(squeue):
    assert squeue("", 3).returncode == 3
