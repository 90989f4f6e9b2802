import json

import pytest
import yaml

from upwind.reproduction.difference import Part
from upwind.reproduction.kinds.documents import compare_documents


@pytest.fixture
def document(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_text(json.dumps(content) if name.endswith("json") else yaml.safe_dump(content))
        return path

    return write


@pytest.mark.parametrize("end", ["json", "yaml"])
def test_key_by_key(document, end):
    one = {"unet": {"epochs": 20}, "seeds": [0], "list": [{"a": 1}], "off": None}
    other = {"unet": {"epochs": 22}, "seeds": [0, 1], "list": [{"a": 1}, {"a": 2}], "x": {}}
    found = compare_documents(document(f"a.{end}", one), document(f"b.{end}", other))
    assert found.parts == [
        Part("list.1.a", None, "2"),
        Part("off", "null", None),
        Part("seeds", "[0]", "[0, 1]"),
        Part("unet.epochs", "20", "22", 2.0),
        Part("x", None, "{}"),
    ]
    assert found.total == 6


def test_where_results_lie_is_set_apart(document):
    one = {"experiment": "a", "dataset": {"root": "x", "kind": "phantom"}}
    other = {"experiment": "b", "dataset": {"root": "y", "kind": "phantom"}}
    found = compare_documents(document("a.yaml", one), document("b.yaml", other))
    assert (found.apart, found.expected) == (["dataset.root", "experiment"], True)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "!!python/object:os.system {}"])
@pytest.mark.parametrize("end", ["json", "yaml"])
def test_what_is_no_document_is_refused_and_nothing_in_it_made(document, tmp_path, text, end):
    (tmp_path / f"bad.{end}").write_text(text)
    with pytest.raises(ValueError, match=r"."):
        compare_documents(document(f"a.{end}", {}), tmp_path / f"bad.{end}")
