"""Tables of measured results in the documents."""

from pathlib import Path

import pytest

from upwind.common.errors import UpwindError
from upwind.studies.documents import measured, with_tables, write_documents

DOCS = Path(__file__).resolve().parents[2] / "docs"
TABLE = """\
# Some machine, 2 cores; seeds 0, 1; commit abc
variant,patients,weights,runs,dsc,low,high,seed_sd,gain,gain_low,gain_high
unet,all,last,10,0.87166,0.855,0.8884,,,,
lsn_as_long,all,averaged,10,0.8545,0.838,0.871,,-0.0171,-0.039,0.0044
speed_alone,all,last,1,0.8,,,,-0.0717,,
"""
WRITTEN = """\
| variant | patients | weights | runs | dsc | gain |
| --- | --- | --- | ---: | ---: | ---: |
| unet | all | last | 10 | 0.872 (0.855 to 0.888) |  |
| lsn as long | all | averaged | 10 | 0.855 (0.838 to 0.871) | -0.017 (-0.039 to 0.004) |
| speed alone | all | last | 1 | 0.800 | -0.072 |

Some machine, 2 cores; seeds 0, 1; commit abc"""


@pytest.fixture
def docs(tmp_path):
    (tmp_path / "measured").mkdir()
    (tmp_path / "measured/gain.csv").write_text(TABLE)
    return tmp_path


def test_a_table_has_its_intervals_in_brackets_and_how_it_was_measured(docs):
    assert measured(docs, "gain") == WRITTEN


def test_names_of_files_stay_as_they_are(docs):
    (docs / "measured/files.csv").write_text("# how\nfile,what_is_it\n`a_b.onnx`,a_network\n")
    assert "| `a_b.onnx` | a network |" in measured(docs, "files").splitlines()


def test_whole_numbers_stay_whole_beside_empty_cells(docs):
    (docs / "measured/times.csv").write_text("# how\nfile,seconds,share\na,47,1.5\nb,,\n")
    assert measured(docs, "times").splitlines()[2:4] == ["| a | 47 | 1.500 |", "| b |  |  |"]


def test_it_stands_between_its_marks_and_the_rest_of_the_page_as_it_was(docs):
    page = (
        "# Title\n\n<!-- study: gain -->\nold\n<!-- end -->\n\ntext <!-- study --> <!-- end -->\n"
    )
    written = with_tables(page, docs)
    assert written == page.replace("old", WRITTEN)
    assert with_tables(written, docs) == written


def test_what_is_not_there_or_does_not_say_how_is_refused(docs):
    with pytest.raises(UpwindError, match=r"other\.csv is not there"):
        measured(docs, "other")
    (docs / "measured/bare.csv").write_text("variant,dsc\n")
    with pytest.raises(UpwindError, match="the first line has to say"):
        measured(docs, "bare")


def test_the_pages_have_what_was_measured(tmp_path):
    """After a change there: python -m upwind.studies.documents"""
    for page in DOCS.rglob("*.md"):
        text = page.read_text()
        assert with_tables(text, DOCS) == text, page
    write_documents(tmp_path)  # nothing to write
