"""Preemption, a lost node, a second run and a killed one, in a small experiment: nothing is lost,
and the networks are those of an undisturbed run on one machine, bit for bit."""

import re
import signal

import pytest

RUNS = ("0", "1")
TARGETS = [f"results/tiny/networks/unet/{fold}/weights.safetensors" for fold in RUNS]
SLICED = "results/tiny/records/slice_case/*.json"
SETTINGS = {
    "experiment": "tiny",
    "folds": 2,
    "image_size": 32,
    "dataset": {"patients": 4},
    "training": {"checkpoint_seconds": 1},
    "unet": {"epochs": 1200},  # a minute or two: time enough to be disturbed in twice
}


@pytest.fixture(scope="module")
def prepared(checkouts):
    """A checkout with everything that training needs, made without a cluster."""
    checkout = checkouts()
    checkout.configure(SETTINGS)
    splits = [f"results/tiny/split/{fold}.csv" for fold in RUNS]
    assert checkout.run("--cores", "2", *splits) == 0, checkout.said()[-3000:]
    return checkout


@pytest.fixture(scope="module")
def undisturbed(prepared, checkouts):
    """Weights trained on this machine, without a cluster and without a disturbance."""
    checkout = checkouts(prepared)
    assert checkout.run("--cores", "2", *TARGETS) == 0, checkout.said()[-3000:]
    return weights(checkout)


def weights(checkout):
    return [(checkout.folder / target).read_bytes() for target in TARGETS]


def log(checkout, fold):
    path = checkout.folder / f"results/tiny/logs/train/unet-{fold}.log"
    return path.read_text() if path.exists() else ""


def epochs(checkout):
    """The epoch that each training is in."""
    found = [re.findall(r"epoch (\d+)/", log(checkout, fold)) for fold in RUNS]
    return [int(numbers[-1]) if numbers else 0 for numbers in found]


def trainings(cluster, *states):
    names = {f"rule_train_wildcards_unet_{fold}" for fold in RUNS}
    return {number for number, name in cluster.jobs(*states).items() if name.strip() in names}


@pytest.fixture
def both_train(cluster, wait_for):
    """A function of a checkout and of earlier jobs: ids of the two trainings that have come since,
    once both have gone on for some epochs."""

    def wait(checkout, before):
        start = epochs(checkout)

        def going():
            numbers = trainings(cluster, "running") - before
            pairs = zip(epochs(checkout), start, strict=True)
            return len(numbers) == 2 and all(10 < new != old for new, old in pairs) and numbers

        return wait_for(going, 600, "training of both networks")

    return wait


def test_preempted_jobs_are_tried_again_and_those_of_a_lost_node_too(
    cluster, prepared, undisturbed, checkouts, both_train, wait_for
):
    checkout = checkouts(prepared)
    earlier = trainings(cluster)
    run = checkout.start_on_cluster(*TARGETS)
    first = both_train(checkout, earlier)
    # Needs the whole node, from a partition that preempts the others by cancelling.
    cluster.ask(
        "sbatch",
        "--partition=urgent",
        "--cpus-per-task=8",
        "--mem=20000",
        "--output=/dev/null",
        "--wrap=sleep 2",
    )
    wait_for(lambda: trainings(cluster, "preempted") >= first, 60, "preemption")
    second = both_train(checkout, earlier | first)
    assert all("goes on from" in log(checkout, fold) for fold in RUNS)
    cluster.end("slurmd", signal.SIGKILL)
    wait_for(lambda: "down" in cluster.ask("sinfo", "--noheader", "--format=%T"), 60, "lost node")
    cluster.start_node()
    assert run.wait(900) == 0, checkout.said()[-3000:]
    assert trainings(cluster, "completed") >= second  # the same jobs, put back by SLURM
    assert all(cluster.details(number)["Restarts"] == "1" for number in second)
    assert all("goes on from" in log(checkout, fold) for fold in RUNS)
    assert weights(checkout) == undisturbed


def test_a_second_run_is_refused_and_a_killed_one_taken_up(
    cluster, prepared, undisturbed, checkouts, both_train
):
    checkout = checkouts(prepared)
    sliced = {path: path.read_bytes() for path in checkout.folder.glob(SLICED)}
    earlier = trainings(cluster)
    run = checkout.start_on_cluster(*TARGETS)
    both_train(checkout, earlier)

    assert checkout.start_on_cluster(*TARGETS).wait(180) != 0
    assert "Directory cannot be locked" in checkout.said()
    assert run.poll() is None  # the first one does not notice

    run.kill()
    run.wait()
    assert checkout.start_on_cluster(*TARGETS).wait(180) != 0  # the lock of the dead
    assert "--unlock" in checkout.said()
    assert checkout.run("--unlock", "--cores", "1") == 0
    assert checkout.start_on_cluster(*TARGETS).wait(900) == 0, checkout.said()[-3000:]
    assert weights(checkout) == undisturbed
    # A record tells when its job ran: none did again.
    assert sliced
    assert all(path.read_bytes() == then for path, then in sliced.items())
    # The dead run's jobs go on without it. Those of the new run wait for them to end, or find them
    # ended, and take what they have.
    for fold in RUNS:
        assert re.search("goes on from|its finished state is taken", log(checkout, fold))
