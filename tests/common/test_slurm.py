import pytest

from upwind.common.errors import UpwindError
from upwind.common.slurm import check_site

KINDS = {
    "most jobs": {"slurm_partition": "", "slurm_account": None},
    "training": {"slurm_partition": "gpus", "slurm_account": "liver", "gpu": 2},
}


@pytest.fixture
def sbatch(tmp_path, monkeypatch):
    """A function that puts an sbatch in place, which runs the lines of sh given; what it is called
    with is in ``calls``."""
    calls = tmp_path / "calls"

    def put(lines):
        program = tmp_path / "sbatch"
        program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n{lines}\n')
        program.chmod(0o755)
        return calls

    monkeypatch.setenv("PATH", str(tmp_path))
    return put


def test_a_machine_without_slurm_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UpwindError, match=r"no sbatch on this machine.*without --profile slurm"):
        check_site(KINDS)


def test_every_kind_is_tried_with_the_names_it_has(sbatch):
    calls = sbatch("exit 0")
    assert check_site(KINDS) == []
    first, second = calls.read_text().splitlines()
    assert first.split()[0] == "--test-only"
    assert "--partition" not in first
    assert "--account" not in first
    assert second.endswith("--wrap=true --partition=gpus --account=liver --gpus=2")


@pytest.mark.parametrize(
    ("resources", "option"),
    [
        ({"gpu": 1, "gpu_model": "a100"}, "--gpus=a100:1"),
        ({"gpu_model": "a100"}, "--gpus=a100:1"),
        ({"gres": "gpu:a100:1"}, "--gres=gpu:a100:1"),
        ({"constraint": "x86", "qos": "long"}, "--constraint=x86 --qos=long"),
    ],
)
def test_ways_to_ask_for_a_node(sbatch, resources, option):
    calls = sbatch("exit 0")
    check_site({"training": resources})
    assert calls.read_text().strip().endswith(option)


def test_a_name_that_slurm_does_not_know_stops(sbatch):
    sbatch('echo "sbatch: error: invalid partition specified: gpus" >&2; exit 1')
    with pytest.raises(UpwindError, match=r"for most jobs: .*specified: gpus; mend .*config\.yaml"):
        check_site(KINDS)


def test_what_may_pass_is_a_warning(sbatch):
    sbatch('case "$*" in *gpus*) echo "allocation failure: nodes are down" >&2; exit 1;; esac')
    (warning,) = check_site(KINDS)
    assert "for training now: allocation failure: nodes are down" in warning
