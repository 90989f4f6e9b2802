# upwind: kernels of a CNN and the level set equation, from raw CT to Table I and Figures 1 and 2.
# raw volumes -> checked cases -> slices -> folds -> trained weights -> segmentations -> scores
# -> tables, and weights -> kernels -> figures.

from snakemake.utils import min_version

min_version("9.27")


configfile: f"{workflow.basedir}/config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/cluster.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/segmentation.smk"
include: "workflow/rules/scores.smk"
include: "workflow/rules/seeds.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/followup.smk"
include: "workflow/rules/kernels.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/studies.smk"
include: "workflow/rules/replacements.smk"
include: "workflow/rules/atlas.smk"
include: "workflow/rules/levelset.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/provenance.smk"


rule all:
    default_target: True
    input:
        *WANTED,
