# Every job leaves a record, every rule carries the version of the code that it can reach, and what
# records do not vouch for is made again. Included last: it sees all rules.

from upwind.levelset.engines.registry import ENGINES, engine_module
from upwind.networks.registry import network_modules
from upwind.provenance.workflow import distrust, record_rules


def record_folder(outputs):
    """Records lie beside what they are about: the experiment's results, or the phantom's data."""
    inside = any(Path(path).is_relative_to(RESULTS) for path in outputs)
    return RESULTS if inside else DATASET["root"]


# Sets the environment of every job.
HELD_BY = "upwind.common.same_bits"
# What these import by name: the engine that was chosen, and for the comparison all.
ENGINES_OF = {
    "operate_level_set": [config["levelset"]["engine"]],
    "tune_level_set": [config["levelset"]["engine"]],
    "segment_blind": [config["levelset"]["engine"]],
    "compare_engines": list(ENGINES),
}


def reached_by_name(rule, wildcards):
    """Modules of the networks and engines that a job is about, and what its libraries are held
    by."""
    modules = [HELD_BY, *(engine_module(name) for name in ENGINES_OF.get(rule, []))]
    if "segmenter" in wildcards:
        modules.append(METHODS[wildcards["segmenter"]].segment.partition(":")[0])
    if "network" in wildcards:
        name = wildcards["network"]
        kind = network_kind(config, name)
        modules += network_modules(kind, settings_of(config, name))
    if "variant" in wildcards:
        variant = variant_of(config, wildcards["variant"])
        modules += network_modules(variant.kind, variant.options)
    return modules


record_rules(workflow, CHECKOUT, record_folder, reached_by_name)

# Jobs on other nodes read this file too; what is to be made is decided once, at the start.
if is_main_process(workflow):
    made_here = [Path(RESULTS)]
    if DATASET["kind"] == "phantom":
        made_here.append(Path(DATASET["root"]))
    or_stop(distrust, workflow, made_here)
