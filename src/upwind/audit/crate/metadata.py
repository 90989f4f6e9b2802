"""A run as a Workflow Run RO-Crate: ro-crate-metadata.json from records and content.

Profile: Provenance Run Crate 0.5 (https://w3id.org/ro/wfrun/provenance/0.5) on RO-Crate 1.1. Each
rule is a step whose tool is its script, each record an action of that tool, and the run an action
of the workflow. What no record knows (who ran it, say) is left out.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from rocrate.model.computerlanguage import get_lang
from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from upwind.audit.crate.content import files_outside
from upwind.audit.crate.labels import (
    LICENCE,
    METADATA,
    WORKFLOW,
    action_status,
    file_facts,
    file_id,
    file_properties,
    job_facts,
    job_id,
    outside_id,
    script_of,
    summary,
)
from upwind.audit.provenance_graph import RecordedRun, contents
from upwind.audit.trace.labels import CODE, commit
from upwind.common.errors import UpwindError
from upwind.provenance.hashing import FileState
from upwind.provenance.records import OK, Record

_VERSION = "1.1"
_CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
_BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
_WORKFLOW_TYPES = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]


@dataclass(frozen=True)
class Publication:
    """What a crate says of itself: the address of a licence other than the repository's, and how
    many links of the run are broken, where it is published in spite of that."""

    licence: str | None = None
    broken: int = 0


def metadata_text(
    run: RecordedRun, states: Mapping[str, FileState], publication: Publication
) -> str:
    """The text of ro-crate-metadata.json; the same run and files give the same text.

    ``states`` are hash and size of all files as they go into the crate, but for the metadata; other
    recorded files are described as not contained. Raises UpwindError for a run without records, a
    workflow or a licence.
    """
    if not run.records:
        raise UpwindError(f"{run.folder} has no records, so there is no run to describe")
    if WORKFLOW not in states:
        raise UpwindError(f"there is no {WORKFLOW}, so there is no workflow to describe")
    if LICENCE not in states and publication.licence is None:
        raise UpwindError(f"there is no {LICENCE} in the repository: name one with --licence")
    document = _Crate(run, dict(sorted(states.items()))).describe(publication)
    document["@graph"].sort(key=lambda item: (item["@id"] not in ("./", METADATA), item["@id"]))
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


class _Crate:
    """Collects the entities of a run."""

    def __init__(self, run: RecordedRun, states: Mapping[str, FileState]) -> None:
        self.run, self.states = run, states
        self.outside = files_outside(run, states)
        self.crate = ROCrate(version=_VERSION)
        self.crate.metadata.extra_contexts.append(_CONTEXT)
        by_time = sorted(run.records.items(), key=lambda item: (item[1].started, item[0]))
        self.records = dict(by_time)

    def describe(self, publication: Publication) -> dict[str, Any]:
        """The whole document."""
        self._describe_files()
        tools = self._describe_tools()
        workflow = self._describe_workflow(tools)
        actions = [self._describe_job(name, tools) for name in self.records]
        run = self._describe_run(workflow)
        self._describe_steps(workflow, tools, run)
        self._describe_crate(publication, [run, *actions])
        return self.crate.metadata.generate()

    def _add(self, identifier: str, kind: str, **properties: Any) -> ContextEntity:
        """Add an entity; properties that are not known are left out."""
        known = {key: value for key, value in properties.items() if value not in (None, [], "")}
        return self.crate.add(ContextEntity(self.crate, identifier, {"@type": kind} | known))

    def _files(self, paths: Iterable[str]) -> list[Entity]:
        """Entities of recorded files, in the crate or not."""
        names = [file_id(p) if p in self.states else outside_id(p) for p in sorted(paths)]
        return [self.crate.get(name) for name in names if name in self.crate]

    def _describe_files(self) -> None:
        types = {script_of(record): ["File", "SoftwareSourceCode"] for record in self._jobs()}
        types |= {WORKFLOW: _WORKFLOW_TYPES, LICENCE: ["File", "CreativeWork"]}
        for path, state in self.states.items():
            kind = {"@type": types[path]} if path in types else {}
            self.crate.add_file(path, path, properties=kind | file_properties(path, state))
        for path, state in self.outside.items():
            made = self.run.record_of(path)
            origin = f"made by the job {made.name}" if made else "data that the run was given"
            self._add(
                outside_id(path),
                "File",
                name=PurePosixPath(path).name,
                alternateName=path,
                description=f"Not in this crate; {origin}",
                **file_facts(path, state),
            )

    def _jobs(self) -> Iterable[Record]:
        return self.records.values()

    def _describe_tools(self) -> dict[str, Entity]:
        """The tool of each rule, in the order in which rules first ran: its script."""
        tools: dict[str, Entity] = {}
        packages: dict[str, dict[str, Entity]] = {}
        for record in self._jobs():
            tool = tools[record.rule] = self._tool(record)
            for name, version in record.packages.items():
                packages.setdefault(tool.id, {})[f"{name} {version}"] = self._add(
                    f"#package/{quote(name)}/{quote(version)}",
                    "SoftwareApplication",
                    name=name,
                    softwareVersion=version,
                    url=f"https://pypi.org/project/{quote(name)}/",
                )
        for identifier, needed in packages.items():
            entities = [entity for _, entity in sorted(needed.items())]
            self.crate.get(identifier)["softwareRequirements"] = entities
        return tools

    def _tool(self, record: Record) -> Entity:
        script = script_of(record)
        if script in self.states:
            tool = self.crate.get(file_id(script))
            tool["version"] = str(record.params.get(CODE, ""))  # of the last job, if they differ
            return tool
        about = "Run by the workflow, without a script of its own"
        identifier = f"#tool/{quote(record.rule)}"
        return self._add(identifier, "SoftwareApplication", name=record.rule, description=about)

    def _describe_workflow(self, tools: Mapping[str, Entity]) -> Entity:
        workflow = self.crate.get(WORKFLOW)
        workflow["name"] = "upwind"
        workflow["conformsTo"] = {"@id": _BIOSCHEMAS}
        workflow["programmingLanguage"] = self.crate.add(get_lang(self.crate, "snakemake"))
        versions = sorted({commit(record) for record in self._jobs() if record.git})
        if versions:
            workflow["version"] = ", ".join(versions)
        by_id = {tool.id: tool for tool in tools.values()}
        workflow["hasPart"] = [by_id[identifier] for identifier in sorted(by_id)]
        self.crate.mainEntity = workflow
        return workflow

    def _describe_job(self, name: str, tools: Mapping[str, Entity]) -> Entity:
        record = self.records[name]
        action = self._add(
            job_id("job", record),
            "CreateAction",
            instrument=tools[record.rule],
            object=[*self._files(contents(record)), *self._parameters(record)],
            result=self._files(record.outputs),
            subjectOf=self._files([name]),
            **job_facts(record),
        )
        for log in self._files(record.logs):
            log["about"] = action
        return action

    def _parameters(self, record: Record) -> Iterator[Entity]:
        """A job's parameters; jobs of a rule with the same share them."""
        for key, value in sorted(record.params.items()):
            text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            if key != CODE and text:
                identifier = f"#parameter/{quote(record.rule)}/{quote(key)}={quote(text)}"
                yield self._add(identifier, "PropertyValue", name=key, value=text)

    def _describe_run(self, workflow: Entity) -> Entity:
        """The run as a whole, from raw data and configuration to all results in the crate."""
        read = {path for record in self._jobs() for path in contents(record)}
        config = f"{self.run.home}/config.yaml"
        made = {path for record in self._jobs() for path in record.outputs} - {config}
        return self._add(
            "#run",
            "CreateAction",
            name=f"Run of the workflow for the experiment {self._experiment}",
            description=f"{len(self.records)} jobs",
            instrument=workflow,
            startTime=min(record.started for record in self._jobs()),
            endTime=max(record.ended for record in self._jobs()),
            actionStatus=action_status(any(record.status != OK for record in self._jobs())),
            object=self._files({config} | (read - self.run.makers.keys())),
            result=self._files(made & self.states.keys()),
        )

    def _describe_steps(self, workflow: Entity, tools: Mapping[str, Entity], run: Entity) -> None:
        """A step for each rule, what controlled its jobs, and the engine that controlled all."""
        steps = {
            rule: self._add(
                f"#step/{quote(rule)}",
                "HowToStep",
                name=rule,
                position=str(position),
                workExample=tool,
            )
            for position, (rule, tool) in enumerate(tools.items())
        }
        workflow["step"] = list(steps.values())
        controls = [
            self._add(
                job_id("control", record),
                "ControlAction",
                name=f"Execution of the step {record.name}",
                instrument=steps[record.rule],
                object=self.crate.get(job_id("job", record)),
            )
            for record in self._jobs()
        ]
        engine = self._add(
            "#engine", "SoftwareApplication", name="Snakemake", url="https://snakemake.github.io"
        )
        self._add(
            "#engine-run",
            "OrganizeAction",
            name="Execution of the workflow engine",
            instrument=engine,
            object=controls,
            result=run,
        )

    def _describe_crate(self, publication: Publication, actions: list[Entity]) -> None:
        root = self.crate.root_dataset
        root["name"] = f"upwind: {self._experiment}"
        root["description"] = summary(self._experiment, publication.broken)
        # The date of the results, so that the same run always gives the same crate.
        root["datePublished"] = max(record.ended for record in self._jobs())
        root["license"] = self._licence(publication.licence)
        root["conformsTo"] = [
            self._add(profile, "CreativeWork", name=title, version=profile.rsplit("/", 1)[-1])
            for profile, title in _PROFILES.items()
        ]
        root["mentions"] = [*actions, *self._files(self.outside)]
        readme = self.crate.get("README.md")
        if readme is not None:
            readme["about"] = root
        versions = (f"https://w3id.org/ro/crate/{_VERSION}", list(_PROFILES)[-1])
        self.crate.metadata["conformsTo"] = [{"@id": version} for version in versions]

    def _licence(self, address: str | None) -> Entity:
        if address is None:
            return self.crate.get(LICENCE)
        return self._add(address, "CreativeWork", name=address)

    @property
    def _experiment(self) -> str:
        return PurePosixPath(self.run.home).name
