"""Every rule says where its log goes and what software it needs; every file it names exists."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from upwind.provenance.fingerprint import imported_modules, reached

REPOSITORY = Path(__file__).resolve().parents[2]
HEAD = re.compile(r"^ *(?:use rule \w+ as (\w+) with|(?:rule|checkpoint) (\w+)):$", re.MULTILINE)


def rules():
    """Text of each rule of the workflow by its name."""
    found = {}
    for path in sorted((REPOSITORY / "workflow/rules").glob("*.smk")):
        text = path.read_text()
        starts = [head.start() for head in HEAD.finditer(text)]
        for start, end in pairwise([*starts, len(text)]):
            head = HEAD.match(text, start)
            found[head[1] or head[2]] = text[start:end]
    return found


RULES = rules()


def test_all_rules_are_found():
    assert len(RULES) >= 22
    assert {"make_phantom", "collect_cases", "train", "draw_figure2_all_layers"} <= RULES.keys()


@pytest.mark.parametrize("name", RULES)
def test_a_rule_has_a_log_an_environment_and_a_script(name):
    text = RULES[name]
    assert re.search(rf'log:\s+f"\{{LOGS\}}/{name}[./]', text), "a log of its own"
    if "use rule" not in text:  # inherits both
        environment = re.search(r'conda:\s+"\.\./\.\./(envs/\w+\.yaml)"', text)
        script = re.search(r'script:\s+"\.\./(scripts/\w+\.py)"', text)
        assert (REPOSITORY / environment[1]).is_file()
        assert (REPOSITORY / "workflow" / script[1]).is_file()


@pytest.mark.parametrize("name", RULES)
def test_wildcards_of_the_outputs_are_in_the_log(name):
    """Two jobs never write the same log."""
    text = RULES[name].replace("{A_RUN}", "{{variant}}/{{fold}}-{{seed}}-{{patients}}")
    output = re.search(r"output:\n(.*?)\n    ?(?:    )?\w+:\n", text, re.DOTALL)[1]
    log = re.search(r"log:\s+(.*)", text)[1]
    wildcards = set(re.findall(r"\{\{(\w+)\}\}", output))
    if "expand(" not in output:
        assert wildcards == set(re.findall(r"\{\{(\w+)\}\}", log))


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_can_choose_an_engine_names_the_engines_it_reaches(name):
    """Their code counts for what the rule makes, and no import statement shows it."""
    script = re.search(r'script:\s+"\.\./(scripts/\w+\.py)"', RULES[name])
    if script is None:
        return  # of another rule
    modules = imported_modules((REPOSITORY / "workflow" / script[1]).read_text())
    chooses = "upwind.levelset.engines.registry" in reached(modules)
    named = (REPOSITORY / "workflow/rules/provenance.smk").read_text()
    assert chooses == (f'    "{name}": ' in named)


def test_captions_of_the_report_exist_and_are_used():
    text = "".join(RULES.values()) + (REPOSITORY / "workflow/rules/figures.smk").read_text()
    captions = set(re.findall(r'caption="\.\./report/(\w+\.rst)"', text))
    captions |= {f"{name}.rst" for name in re.findall(r'\*\*figure\(\s*"(\w+)"', text)}
    existing = {p.name for p in (REPOSITORY / "workflow/report").glob("*.rst")}
    assert captions <= existing
    assert existing - captions <= {"workflow.rst"}  # the report's own front page


def test_scripts_are_thin():
    for path in (REPOSITORY / "workflow/scripts").glob("*.py"):
        text = path.read_text()
        assert len(text.splitlines()) <= 60, f"{path.name}: real code belongs in the package"
        assert "with logged(snakemake.log[0]):" in text, path.name
