# Every job leaves a record, every rule carries the version of the code that it can reach, and what
# records do not vouch for is made again. Included last: it sees all rules.

from upwind.networks.registry import network_module
from upwind.provenance.workflow import distrust, record_rules


def record_folder(outputs):
    """Records lie beside what they are about: the experiment's results, or the phantom's data."""
    inside = any(Path(path).is_relative_to(RESULTS) for path in outputs)
    return RESULTS if inside else DATASET["root"]


def reached_by_name(wildcards):
    """A network's module, for the jobs that are about one network."""
    if "network" in wildcards:
        return [network_module(wildcards["network"])]
    if "variant" in wildcards:
        return [network_module(variant_of(config, wildcards["variant"]).kind)]
    return []


record_rules(workflow.rules, Path(workflow.basedir), record_folder, reached_by_name)

# Jobs on other nodes read this file too; what is to be made is decided once, at the start.
if workflow.is_main_process:
    made_here = [Path(RESULTS)]
    if DATASET["kind"] == "phantom":
        made_here.append(Path(DATASET["root"]))
    or_stop(distrust, workflow, made_here)
