"""Records against the jobs that the configuration asks for."""

from dataclasses import replace

import pytest

from upwind.audit.checks.planned import check_plan, planned_records
from upwind.audit.findings import FindingKind
from upwind.audit.provenance_graph import load
from upwind.common.snakemake import PlannedJob

TRAIN = "results/x/records/train/job.json"
WEIGHTS, SCORES = "results/x/networks/unet/0/weights.st", "results/x/scores.csv"


@pytest.fixture
def run(project):
    return load(project.results)


@pytest.fixture
def plan(run):
    """What the workflow would ask for if it had made the project's files."""
    return [
        PlannedJob(
            rule=record.rule,
            wildcards=dict(record.wildcards),
            # Folders are one input, as the rule names them.
            inputs=sorted(
                {p.split("/segmentation-")[0] if "unet" in p else p for p in record.inputs}
            ),
            outputs=list(record.declared),
            order_only=list(record.order_only),
            params=dict(record.params) | {"code": "whatever"},
            causes=[],
        )
        for record in run.records.values()
    ]


def findings(run, plan, **options):
    return check_plan(run, planned_records(run, plan), **options).findings


def changed(plan, rule, **fields):
    return [replace(job, **fields) if job.rule == rule else job for job in plan]


def test_everything_is_as_asked_for(run, plan):
    checked = check_plan(run, planned_records(run, plan))
    assert checked.findings == ()
    assert checked.counts == {"planned_jobs": 8}


def test_records_of_made_data_lie_beside_them(run, plan):
    names = planned_records(run, plan)
    assert names["data/made/records/make/job.json"].rule == "make"
    assert names[TRAIN].rule == "train"


def test_a_job_without_a_record(run, plan):
    more = PlannedJob("split", {"fold": "1"}, [], ["results/x/split/1.csv"], [], {}, [])
    (finding,) = findings(run, [*plan, more])
    assert finding.kind is FindingKind.missing_record
    assert finding.path == "results/x/records/split/fold=1.json"
    assert finding.affects == ("results/x/split/1.csv",)


def test_another_parameter_is_named_down_to_the_setting(run, plan):
    params = {"seed": 0, "unet": {"epochs": 3}}
    (finding,) = findings(run, changed(plan, "train", params=params))
    assert (finding.kind, finding.path) == (FindingKind.parameter, TRAIN)
    assert "unet.epochs was 2 and is 3 now" in finding.message
    assert {WEIGHTS, SCORES} < set(finding.affects)


@pytest.mark.parametrize("params", [{"seed": 0}, {"seed": 0, "unet": {"epochs": 2}, "new": None}])
def test_a_parameter_too_many_or_too_few(run, plan, params):
    (finding,) = findings(run, changed(plan, "train", params=params))
    told = (
        "new was not set and is null now" if "new" in params else "unet.epochs was 2 and is not set"
    )
    assert told in finding.message


def test_parameters_are_compared_as_records_hold_them(run, plan):
    params = {"seed": 0, "unet": {"epochs": 2}}
    assert findings(run, changed(plan, "train", params=params | {"code": "other"})) == ()


def test_a_module_that_a_record_no_longer_names(run, plan):
    """Its own fingerprint fits what it names; what the script reaches is more."""
    record = replace(run.records[TRAIN], params=run.records[TRAIN].params | {"code": "of less"})
    less = replace(run, records={**run.records, TRAIN: record})
    (finding,) = findings(less, plan)
    assert (finding.kind, finding.path) == (FindingKind.record, TRAIN)
    assert finding.message == "the code of train reaches other modules or packages than it names"
    # Code that was edited since is told once, where it is.
    assert findings(less, plan, explained=[WEIGHTS]) == ()


@pytest.mark.parametrize("side", ["inputs", "outputs", "order_only"])
def test_other_files_than_asked_for(run, plan, side):
    (finding,) = findings(run, changed(plan, "train", **{side: ["results/x/other"]}))
    assert (finding.kind, finding.path) == (FindingKind.link, TRAIN)
    assert "results/x/other" in finding.message


def test_a_reason_to_run_again_is_told_unless_it_is_explained(run, plan):
    causes = ["set of input files has changed since last execution"]
    again = changed(plan, "train", causes=causes, reason="Set of input files has changed: slices")
    again = changed(again, "score", causes=["input files updated by another job"])
    (finding,) = findings(run, again)
    assert (finding.kind, finding.path) == (FindingKind.workflow, WEIGHTS)
    assert "Set of input files has changed" in finding.message
    assert SCORES in finding.affects
    assert findings(run, again, explained=[WEIGHTS]) == ()


def test_a_date_alone_is_no_finding(run, plan):
    """A project that was copied: what changed by content has its finding elsewhere."""
    again = changed(plan, "train", causes=["updated input files"], reason="slices")
    assert findings(run, again) == ()


def test_parameters_in_another_order_are_no_reason(run, plan):
    record = run.records["results/x/records/slice/job.json"]
    assert record.params == {}
    same = changed(plan, "slice", causes=["params have changed since last execution"], params={})
    assert findings(run, same) == ()
    other = changed(same, "slice", params={"code": "edited"})
    assert [finding.kind for finding in findings(run, other)] == [FindingKind.workflow]
