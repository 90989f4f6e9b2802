"""Every rule says where its log goes and what software it needs; every file it names exists."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from upwind.provenance.fingerprint import imported_modules, reached

REPOSITORY = Path(__file__).resolve().parents[2]
HEAD = re.compile(r"^ *(?:use rule \w+ as (\w+) with|(?:rule|checkpoint) (\w+)):$", re.MULTILINE)


FILES = {p.name: p.read_text() for p in sorted((REPOSITORY / "workflow/rules").glob("*.smk"))}


def rules():
    """Text of each rule of the workflow by its name."""
    found = {}
    for text in FILES.values():
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
    text = RULES[name].replace("{A_RUN}", "{{variant}}/{{fold}}-{{seed}}-{{patients}}{{updates}}")
    text = text.replace("{ON_THE_WAY}", "{{variant}}/{{fold}}-{{seed}}")
    output = re.search(r"output:\n(.*?)\n +\w+:\n", text, re.DOTALL)[1]
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


def declared_captions(text):
    """Captions of the results that rules declare: the last part of a call, or the result's name."""
    for found in re.finditer(r"\b(?:table|figure|listed|in_report)\(", text):
        depth, end = 1, found.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        call = ast.parse(text[found.start() : end], mode="eval").body
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        if call.func.id == "in_report":
            yield call.args[-1].value
        else:
            yield named["caption"].value if "caption" in named else Path(call.args[0].value).stem


def test_captions_of_the_report_exist_and_are_used():
    rules = "".join(text for name, text in FILES.items() if name != "results.smk")
    captions = {f"{name}.rst" for name in declared_captions(rules)}
    existing = {p.name for p in (REPOSITORY / "workflow/report").glob("*.rst")}
    assert captions == existing - {"workflow.rst"}  # the report's own front page


# Rule files from which others may take names.
SHARED = {"common.smk", "results.smk", "resources.smk", "cluster.smk"}


def test_a_rule_file_takes_no_name_from_another():
    """By order of inclusion alone it would work, until somebody changes the order."""
    defined = {}
    for name, text in FILES.items():
        plain = re.findall(r"^(?:def )?(\w+)(?: = |\()", text, re.MULTILINE)
        imported = re.findall(r"^(?:from [\w.]+ )?import (.+)$", text, re.MULTILINE)
        defined[name] = {*plain, *(word for line in imported for word in re.findall(r"\w+", line))}
    shared = set().union(*(defined[name] for name in SHARED))
    for name in FILES.keys() - SHARED:
        for other in FILES.keys() - SHARED - {name}:
            foreign = defined[other] - defined[name] - shared - {"rule", "checkpoint", "use"}
            used = foreign & set(re.findall(r"(?<![\w.])\w+\b(?!\s*=[^=])", code(FILES[name])))
            assert not used, f"{name} takes {used} from {other}: move it to common.smk"


def code(text):
    """A rule file without comments and what is in quotes, but for the names in an f-string."""
    without = re.sub(r"#.*", "", text)
    return re.sub(r'"[^"\n]*"', lambda m: " ".join(re.findall(r"(?<!\{)\{(\w+)", m[0])), without)


def test_scripts_are_thin():
    for path in (REPOSITORY / "workflow/scripts").glob("*.py"):
        text = path.read_text()
        assert len(text.splitlines()) <= 60, f"{path.name}: real code belongs in the package"
        assert "with logged(snakemake.log[0]):" in text, path.name
