import subprocess
import sys

import pytest

from upwind.methods import catalogue
from upwind.methods.method import Method
from upwind.tables.followup_plan import (
    PATIENTS,
    READINGS,
    absence_note,
    methods_read,
    why_no_followup,
)

LITS = range(131)


@pytest.mark.parametrize("kind", ["lits", "msd"])
def test_the_cases_of_lits_in_the_papers_folds_can_be_compared(kind):
    assert why_no_followup(kind, LITS, 5, None) is None
    assert why_no_followup(kind, [*LITS][::-1], 5, None) is None


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("phantom", LITS, 5, None), "the data are not LiTS, but phantom"),
        (("lits", None, 5, None), "the cases are not known yet"),
        (("lits", [0, 1, 2, 4, 5], 5, None), "131 cases, 0 to 130, and here are 5"),
        (("msd", range(1, 132), 5, None), "and here are 131 with other numbers"),
        (("lits", LITS, 4, None), "its folds are 5 in order of the case numbers"),
        (("lits", LITS, 5, 0), "its folds are 5"),
        (("lits", LITS, "folds.csv", None), "its folds are 5"),
    ],
)
def test_what_cannot_be_compared_has_its_reason(arguments, reason):
    assert reason in why_no_followup(*arguments)


def test_the_note_is_a_sentence():
    note = absence_note(why_no_followup("phantom", range(20), 5, None))
    assert note == (
        "The UNet of the authors' follow-up is not set beside ours, patient by patient: the data "
        "are not LiTS, but phantom."
    )


def test_the_network_alone_stands_for_its_masks_where_nothing_else_is_configured():
    methods = catalogue()
    assert methods_read(methods) == {"plain": "unet"}
    assert methods_read({"lsn": methods["lsn"]}) == {}


def test_the_largest_component_of_the_network_stands_for_the_other_reading():
    largest = [
        Method(f"{of}_largest", of, "CT", "weights", by_fold=True, of=of, postprocess=READINGS[1])
        for of in ("unet", "lsn")
    ]
    methods = {**catalogue(), **{method.key: method for method in largest}}
    assert methods_read(methods) == {"plain": "unet", "largest_component": "unet_largest"}


def test_rules_can_ask_without_heavy_libraries():
    heavy = "{'torch', 'numpy', 'pandas', 'scipy'}"
    command = f"import sys, upwind.tables.followup_plan; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", command], check=True)


def test_there_are_as_many_patients_as_published():
    from upwind.tables.published_followup import CASES

    assert CASES == PATIENTS
