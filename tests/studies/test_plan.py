"""Which networks a study trains."""

import pytest

from upwind.common.errors import UpwindError
from upwind.studies.plan import (
    PlateauRun,
    StudyRun,
    evaluated_epochs,
    plateau_runs,
    runs_of,
    trained_as,
    variant_of,
)

CONFIG = {
    "folds": 3,
    "unet": {"epochs": 9},
    "lsn": {"epochs": 5, "steps": 7, "terms": ["balloon", "curvature"]},
    "variants": {
        "lsn": {"of": "lsn"},
        "short": {"of": "lsn", "steps": 2},
        "alone": {"of": "lsn", "network": "speed"},
        "alone_component": {
            "of": "lsn",
            "network": "speed",
            "postprocess": "largest_component",
        },
    },
    "studies": {
        "some": {"variants": ["lsn", "short"], "folds": [2], "seeds": [0, 4], "patients": ["all"]},
        "wide": {"variants": ["lsn"], "folds": "all", "seeds": [0], "patients": [2, "all"]},
    },
}


def test_a_variant_is_its_network_with_settings_of_its_own():
    assert variant_of(CONFIG, "short").options == CONFIG["lsn"] | {"steps": 2}
    assert variant_of(CONFIG, "short").kind == "lsn"
    alone = variant_of(CONFIG, "alone")
    assert (alone.kind, alone.options) == ("speed", CONFIG["lsn"])
    assert "of" in CONFIG["variants"]["alone"]  # the configuration is left as it was


def test_a_network_of_methods_is_a_variant_of_itself():
    entry = {"network": "package:Net", "epochs": 3, "options": {"deep": True}, "output": "logits"}
    known = CONFIG | {"methods": {"mine": entry, "after": {"of": "mine"}}}
    found = variant_of(known, "mine")
    assert (found.kind, found.options) == ("foreign", entry)
    with pytest.raises(UpwindError, match="no variant 'after'"):
        variant_of(known, "after")


def test_a_study_crosses_variants_folds_seeds_and_patients():
    assert runs_of(CONFIG, "some") == [
        StudyRun(name, "2", seed, "all", name) for name in ("lsn", "short") for seed in (0, 4)
    ]
    wide = runs_of(CONFIG, "wide")
    assert [(run.patients, run.fold) for run in wide] == [
        (patients, fold) for patients in ("2", "all") for fold in "012"
    ]


def test_what_two_studies_share_is_one_run():
    shared = {run.path for run in runs_of(CONFIG, "some")} & {
        run.path for run in runs_of(CONFIG, "wide")
    }
    assert shared == {"lsn/2-0-all"}


def test_variants_that_differ_in_their_postprocessing_alone_share_their_trainings():
    assert variant_of(CONFIG, "alone_component").postprocess == "largest_component"
    assert variant_of(CONFIG, "alone").postprocess is None
    known = CONFIG["variants"]
    assert [trained_as(CONFIG, name) for name in known] == ["lsn", "short", "alone", "alone"]
    study = {"variants": ["alone_component"], "folds": [1], "seeds": [3], "patients": [8]}
    (run,) = runs_of(CONFIG | {"studies": {"one": study}}, "one")
    assert (run.path, run.training) == ("alone_component/1-3-8", "alone/1-3-8")


def test_trainings_of_as_many_updates_are_others_than_those_of_as_many_epochs():
    study = CONFIG["studies"]["wide"] | {"updates": 320}
    equal = runs_of(CONFIG | {"studies": {"equal": study}}, "equal")
    assert equal[0] == StudyRun("lsn", "0", 0, "2", "lsn", 320)
    assert [run.path for run in equal[:2]] == ["lsn/0-0-2-320", "lsn/1-0-2-320"]
    assert equal[0].training == "lsn/0-0-2-320"


def test_trainings_to_a_plateau_come_fold_by_fold():
    given = {"variants": ["lsn", "short"], "folds": [1, 2], "seeds": [0, 3]}
    runs = plateau_runs(CONFIG | {"plateau": given})
    assert runs[:3] == [
        PlateauRun("lsn", "1", 0),
        PlateauRun("short", "1", 0),
        PlateauRun("lsn", "1", 3),
    ]
    assert {run.fold for run in runs[:4]} == {"1"}
    assert runs[1].path == "short/1-0"


def test_the_last_epoch_is_evaluated_whatever_is_chosen():
    for chosen, epochs in (([1, 5, 9], 7), ([1, 5], 7), ([5, 1, 7], 7)):
        config = {"plateau": {"epochs": epochs, "evaluated": chosen}}
        assert evaluated_epochs(config) == [1, 5, 7]


def test_names_that_are_not_there_are_refused():
    with pytest.raises(UpwindError, match=r"no variant 'long'; known are lsn, short, alone, "):
        variant_of(CONFIG, "long")
    with pytest.raises(UpwindError, match=r"no study 'other'; known are some, wide"):
        runs_of(CONFIG, "other")
