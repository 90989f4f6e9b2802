"""Every file of Table I and the extended table."""

from dataclasses import replace

import pandas as pd
import pytest

from upwind.methods import catalogue
from upwind.tables.written import Sources, tables, texts

EFFORT = {"resamples": 100, "confidence": 0.95, "seed": 0}


@pytest.fixture
def sources():
    """Two folds of two patients; UNet's fold 1 failed to train."""
    keys = [("itk_snap", "unseen"), ("unet", "unseen"), ("lsn", "unseen"), ("lsn", "heldout")]
    scores = pd.DataFrame(
        [
            {"method": method, "fold": case // 2, "case": case, "subset": subset, "dsc": dsc}
            for method, subset in keys
            for case, dsc in enumerate([0.5, 0.625, 0.75, 0.875])
        ]
    )
    verdict = {"method": "unet", "fold": "1", "failed": True, "reason": "held-out DSC 0.1 is low"}
    return Sources(
        scores=scores,
        of_all_seeds=scores,
        verdicts=pd.DataFrame([verdict]),
        cases=pd.DataFrame({"case": [0, 7], "usable": [True, False]}),
        masks=[pd.DataFrame({"method": ["unet"], "case": [3], "usable": [False]})],
        methods={key: catalogue()[key] for key in ("itk_snap", "unet", "lsn")},
        failed_below=0.5,
        no_followup="the data are others",
        effort=EFFORT,
    )


def test_numbers_of_both_tables(sources):
    made = tables(sources)
    assert list(made) == ["table1", "extended"]
    assert made["table1"]["fold"].tolist() == ["0", "1", "avg", "avg_without_1"]
    assert made["table1"]["lsn_test"].tolist() == [0.5625, 0.8125, 0.6875, 0.5625]
    assert made["extended"]["unet"].tolist() == [0.5625, 0.8125, 0.6875, 0.5625]


def test_every_text_has_the_notes_that_it_needs(sources):
    made = texts(sources, tables(sources))
    assert list(made) == ["table1.md", "table1.html", "table1.tex", "extended.md", "extended.html"]
    for text in made.values():
        assert "UNet, fold 1, failed to train" in text
        assert "case 7" in text
        assert "UNet was left without case 3" in text
    # Why there is no follow-up stands where it would be.
    assert [name for name, text in made.items() if "the data are others" in text] == [
        "extended.md",
        "extended.html",
    ]
    whole = texts(replace(sources, no_followup="", masks=[]), tables(sources))
    assert not [text for text in whole.values() if "follow-up" in text or "case 3" in text]
