"""The demo through the profile, as a user types it, disturbed while it trains: its results are
those of an undisturbed run on one machine, bit for bit."""

import re
import shutil

import pytest

EPOCHS_BEFORE = 2  # that a training has gone through when it is disturbed
# What --demo=short changes: the same jobs on fewer patients. Epochs stay: a training must be long
# enough to be met in the middle.
SHORT = {"dataset": {"patients": 10}}


def training_log(checkout, name):
    """Log of the training that a job's comment names."""
    network, fold = name.strip().removeprefix("rule_train_wildcards_").split("_")
    path = checkout.folder / f"results/demo/logs/train/{network}-{fold}.log"
    return path.read_text() if path.exists() else ""


def in_the_middle(cluster, checkout, but=()):
    """Id and comment of a running training that has some epochs behind it, other than ``but``."""
    for number, name in cluster.jobs("running").items():
        if name.startswith("rule_train_wildcards_") and name not in but:
            epochs = re.findall(r"epoch (\d+)/(\d+)", training_log(checkout, name))
            if epochs and EPOCHS_BEFORE <= int(epochs[-1][0]) < int(epochs[-1][1]) - 3:
                return number, name
    return None


def megabytes(stated):
    """SLURM's 3007M or 2.50G in MiB."""
    return float(stated[:-1]) * {"M": 1, "G": 1024}[stated[-1]]


@pytest.fixture(scope="module")
def earlier(cluster):
    """Ids of the jobs before this file's."""
    return set(cluster.jobs())


@pytest.fixture(scope="module")
def demo(request, checkouts):
    """A function that makes a checkout of the demo, whole or short."""

    def make():
        checkout = checkouts()
        if request.config.getoption("--demo") == "short":
            checkout.configure(SHORT)
        return checkout

    return make


@pytest.fixture(scope="module")
def disturbed(cluster, earlier, demo, wait_for):
    """The finished run on the cluster; the jobs cancelled and requeued in it."""
    checkout = demo()
    run = checkout.start_on_cluster()

    def training(but=()):
        assert run.poll() is None, checkout.said()[-3000:]
        return in_the_middle(cluster, checkout, but)

    cancelled = wait_for(training, 3600, "training job in the middle of its work")
    cluster.ask("scancel", cancelled[0])
    requeued = wait_for(lambda: training([cancelled[1]]), 1200, "second training job")
    cluster.ask("scontrol", "requeue", requeued[0])
    assert run.wait(3600) == 0, checkout.said()[-3000:]
    return checkout, cancelled, requeued


@pytest.fixture(scope="module")
def local(disturbed, demo):
    """The same on this machine alone, with the same volumes, up to the scores."""
    checkout = demo()
    shutil.copytree(disturbed[0].folder / "data", checkout.folder / "data")
    targets = [f"results/demo/{name}" for name in ("scores.csv", "verdicts.csv")]
    assert checkout.run("--cores", "2", *targets) == 0, checkout.said()[-3000:]
    return checkout.folder / "results/demo"


def test_the_cancelled_job_is_tried_again_from_its_checkpoint(cluster, disturbed):
    checkout, (number, name), _ = disturbed
    assert cluster.details(number)["JobState"] == "CANCELLED"
    again = cluster.job(name)
    assert again != number
    assert cluster.details(again)["JobState"] == "COMPLETED"
    assert re.search(r"goes on from .*: epoch [1-9]", training_log(checkout, name))


def test_the_requeued_job_goes_on_from_its_checkpoint_under_its_own_id(cluster, disturbed):
    checkout, _, (number, name) = disturbed
    assert cluster.job(name) == number
    assert cluster.details(number)["Restarts"] == "1"
    assert cluster.details(number)["JobState"] == "COMPLETED"
    assert re.search(r"goes on from .*: epoch [1-9]", training_log(checkout, name))


def test_everything_is_made(disturbed):
    results = disturbed[0].folder / "results/demo"
    for name in ("table1.csv", "figure1.svg", "figure2.pdf", "gallery.png", "report.html"):
        assert (results / name).stat().st_size > 0
    done = re.search(r"(\d+) of (\d+) steps \(100%\) done", disturbed[0].said())
    assert done[1] == done[2], "a job more than planned was made twice"


def test_no_job_is_in_a_group_twice(disturbed):
    said = disturbed[0].said()
    for rule in ("gather_scores", "tabulate", "compare_methods", "draw_scores", "draw_gallery"):
        assert len(re.findall(rf"^ +rule {rule}:$", said, re.MULTILINE)) == 1, rule


def test_scores_and_networks_are_those_of_a_local_run(disturbed, local):
    results = disturbed[0].folder / "results/demo"
    for name in ("scores.csv", "verdicts.csv", "folds.csv"):
        assert (results / name).read_text() == (local / name).read_text(), name
    networks = sorted(local.glob("networks/*/*/weights.safetensors"))
    assert len(networks) == 11  # two networks on five folds, and the UNet on all cases
    for path in networks:
        assert path.read_bytes() == (results / path.relative_to(local)).read_bytes(), path


def test_training_gets_a_gpu_and_nothing_asks_for_more_than_a_small_node(
    cluster, disturbed, earlier
):
    jobs = {number: name for number, name in cluster.jobs().items() if number not in earlier}
    submitted = re.findall(r"submitted with SLURM jobid (\d+)", disturbed[0].said())
    assert sorted(jobs) == sorted(submitted)
    assert len(jobs) < 75, "small jobs go together"
    for number, name in jobs.items():
        details = cluster.details(number)
        gpus = re.search(r"gres/gpu=(\d+)|gpu:(\d+)", str(details))
        assert bool(gpus) == name.startswith(("rule_train_", "rule_segment_fold_")), name
        assert int(details["NumCPUs"]) <= 8
        assert megabytes(details["MinMemoryNode"]) <= 16000
