# What a run makes. Rules declare their outputs as results where they name them, with these functions:
# `rule all` asks for what they list, and results.json tells it to release, crate and audit.

from upwind.results import FILE as RESULTS_FILE
from upwind.results import Result, ResultList

RESULT_LIST = ResultList()
WANTED = []


def table(name, category, item, caption=None):
    """Output of a rule: a table that stands in the report too. ``name`` is its path below the
    results, and the caption's unless ``caption`` says another."""
    return listed(name, category, item, "table", caption)


def figure(name, category, item, formats=("pdf", "png"), caption=None):
    """Outputs of a figure by format; the PNG goes into the report."""
    paths = {
        ending: result(f"{name}.{ending}") for ending in formats if ending != "png"
    }
    paths["png"] = listed(f"{name}.png", category, item, "figure", caption)
    return paths


def listed(name, category, item, kind, caption=None):
    """Output of a rule: a file that stands in the report too, a figure or a table."""
    caption = caption or Path(name).stem
    RESULT_LIST.files.append(Result(name, category, item, kind, caption))
    WANTED.append(f"{RESULTS}/{name}")
    return in_report(f"{RESULTS}/{name}", category, item, kind, caption)


def in_report(path, category, item, kind, caption):
    return report(
        path,
        category=category,
        caption=f"../report/{caption}.rst",
        # One label: of two that take two values each, Snakemake's page makes a toggle that fails.
        labels={"item": f"{item} ({kind})"},
    )


def result(name):
    """Output of a rule: another file of a finished run."""
    RESULT_LIST.files.append(Result(name))
    WANTED.append(f"{RESULTS}/{name}")
    return f"{RESULTS}/{name}"


def results_in(folder, wanted, released=True, published=True):
    """Declare a folder of results with a file for each case, fold or run. ``wanted`` is what a
    finished run has of it: paths, or a function of the wildcards of `rule all` that tells them.

    Every stage's outputs are asked for, not only the last: after a failed job Snakemake may otherwise
    take an old result for finished."""
    RESULT_LIST.folders.append(Result(folder, released=released, published=published))
    WANTED.append(wanted)


def target(name, *paths):
    """Outputs that `snakemake NAME` asks for, and that no plain run makes: all, or the only one."""
    RESULT_LIST.targets[name] = [str(Path(path).relative_to(RESULTS)) for path in paths]
    return list(paths) if len(paths) > 1 else paths[0]


# Of jobs, not of rules.
results_in("logs", [], released=False)
