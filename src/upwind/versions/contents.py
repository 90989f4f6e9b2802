"""What an experiment's results consist of."""

# What a finished experiment has at the top of its folder; the workflow asks for exactly these.
TOP_RESULTS = (
    "config.yaml",
    "cases.csv",
    "folds.csv",
    "split.csv",
    "verdicts.csv",
    "scores.csv",
    "table1.csv",
    "table1.html",
    "table1.md",
    "table1.tex",
    "extended.csv",
    "extended.html",
    "extended.md",
    "comparison.csv",
    "figure1.svg",
    "figure1.png",
    "figure2.pdf",
    "figure2.png",
    "figure2_all_layers.pdf",
    "figure2_all_layers.png",
    "stencils.pdf",
    "stencils.png",
    "curves.png",
    "scores.png",
    "gallery.png",
    "searches.png",
    "convergence.csv",
    "convergence.png",
)
# And where its volumes are versioned: which version of each the run was given.
DATA_TABLE = "data.csv"
