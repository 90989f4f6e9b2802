"""Records against the code and packages that are here now, and what git knew of the code."""

import platform
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import upwind
from upwind.audit.findings import Checked, Finding, FindingKind, broken, unchecked, warning
from upwind.audit.provenance_graph import RecordedRun
from upwind.common.errors import UpwindError
from upwind.provenance.fingerprint import combined, file_fingerprint, version_of

SNAKEFILE = "workflow/Snakefile"  # by its path in a repository
_AGAIN = "run the workflow again"


@dataclass(frozen=True)
class Checkout:
    """Where code lies: the package's folder, and the repository around it (None where the package
    is installed without one, so that there are no scripts and no workflow)."""

    package: Path
    repository: Path | None

    @property
    def snakefile(self) -> Path | None:
        """The workflow, if it is here."""
        return self.repository / SNAKEFILE if self.repository else None

    def source(self, module: str) -> Path | None:
        """The file of a module or of a rule's script; None where scripts are not here."""
        if module.endswith(".py"):
            return self.repository / "workflow/scripts" / module if self.repository else None
        inside = self.package.joinpath(*module.split(".")[1:])
        return inside / "__init__.py" if inside.is_dir() else inside.with_suffix(".py")


def find_checkout(root: Path) -> Checkout:
    """The code that a run in ``root`` uses: that of ``root`` where it holds the workflow, else the
    one that is running."""
    own = Path(upwind.__file__).resolve().parent
    for repository in (root, own.parents[1]):
        package = repository / "src/upwind"
        if (repository / SNAKEFILE).is_file() and package.is_dir():
            return Checkout(package, repository)
    return Checkout(own, None)


def fingerprints(run: RecordedRun, checkout: Checkout) -> dict[str, str | None]:
    """What each module or script that any job ran with is in ``checkout``: its fingerprint, None
    where it is gone or no Python. Scripts are left out where there are none."""
    modules = {module for record in run.records.values() for module in record.code}
    sources = {module: checkout.source(module) for module in sorted(modules)}
    return {module: fingerprint_of(source) for module, source in sources.items() if source}


def check_code(
    run: RecordedRun,
    live: Collection[str],
    checkout: Checkout,
    now: Mapping[str, str | None] | None = None,
) -> Checked:
    """Modules, scripts and packages that jobs ran with, against those of ``checkout`` and those
    installed; and whether code was committed, once. ``now`` is what :func:`fingerprints` found, if
    it was asked before."""
    now = fingerprints(run, checkout) if now is None else now
    used: dict[tuple[str, str], list[str]] = defaultdict(list)
    packages: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in sorted(live):
        for module, digest in run.records[name].code.items():
            used[module, digest].append(name)
        for package, version in run.records[name].packages.items():
            packages[package, version].append(name)
    findings = [
        *_inconsistent(run, live),
        *_modules(run, used, checkout, now),
        *_packages(run, packages),
        *_git(run, live),
        *_python(run, live),
    ]
    counts = {"modules": len({m for m, _ in used}), "packages": len({p for p, _ in packages})}
    return Checked(tuple(findings), counts)


def _inconsistent(run: RecordedRun, live: Iterable[str]) -> Iterator[Finding]:
    for name in sorted(live):
        record = run.records[name]
        stated = record.params.get("code")
        if stated is not None and stated != combined(record.code | record.packages):
            message = "its fingerprint of the code is not that of the modules it lists"
            yield broken(FindingKind.record, name, message, _AGAIN, run.fallen([name]))


def _modules(
    run: RecordedRun,
    used: Mapping[tuple[str, str], list[str]],
    checkout: Checkout,
    now: Mapping[str, str | None],
) -> Iterator[Finding]:
    scripts = []
    for (module, digest), names in sorted(used.items()):
        source = checkout.source(module)
        if source is None or module not in now:
            scripts.append(module)
        elif now[module] != digest:
            what = "is not there any more" if now[module] is None else "is not what it was"
            message = f"{module} {what} when {run.jobs(names)} ran"
            remedy = f"{_AGAIN}, or go back to the code of then"
            yield broken(
                FindingKind.code, _shown(source, checkout), message, remedy, run.fallen(names)
            )
    if scripts:
        message = f"{len(scripts)} scripts of the workflow were not compared: they are not here"
        remedy = "audit in a checkout of the repository"
        yield unchecked(FindingKind.code, "workflow/scripts", message, remedy)


def fingerprint_of(source: Path) -> str | None:
    """The fingerprint of a file that may be anybody's; None where it is gone or no Python."""
    try:
        return file_fingerprint(source)
    except (OSError, UpwindError):
        return None


def _shown(source: Path, checkout: Checkout) -> str:
    folder = checkout.repository or checkout.package.parent
    return source.relative_to(folder).as_posix()


def _packages(run: RecordedRun, packages: Mapping[tuple[str, str], list[str]]) -> Iterator[Finding]:
    for (package, version), names in sorted(packages.items()):
        now = version_of(package)
        if now != version:
            message = f"{version} when {run.jobs(names)} ran, {now or 'not installed'} now"
            remedy = f"install {package} {version}, or {_AGAIN}"
            yield broken(FindingKind.package, package, message, remedy, run.fallen(names))


def _git(run: RecordedRun, live: Iterable[str]) -> Iterator[Finding]:
    states = {name: run.records[name].git for name in sorted(live)}
    dirty = [name for name, git in states.items() if git and git.get("dirty")]
    bare = [name for name, git in states.items() if not git]
    commits = Counter(str(git["commit"]) for git in states.values() if git)
    remedy = "commit, and run what is to be published from a clean checkout"
    if dirty:
        message = f"{run.jobs(dirty)} ran with changes that were not committed"
        yield warning(FindingKind.uncommitted, "git", message, remedy)
    if bare:
        message = f"{run.jobs(bare)} ran outside of git: the code is known by its hash alone"
        yield warning(FindingKind.uncommitted, "git", message, remedy)
    if len(commits) > 1:
        listed = ", ".join(f"{count} at {commit[:7]}" for commit, count in commits.most_common())
        message = (
            f"jobs ran at several commits ({listed}); what a job could reach is compared above"
        )
        yield warning(
            FindingKind.commits, "git", message, "nothing, unless one commit is asked for"
        )


def _python(run: RecordedRun, live: Iterable[str]) -> Iterator[Finding]:
    versions = Counter(str(run.records[name].machine.get("python")) for name in live)
    other = sorted(versions.keys() - {platform.python_version()})
    if other:
        message = f"jobs ran with Python {', '.join(other)}; this is {platform.python_version()}"
        message += ", and code can have another hash by another minor version"
        remedy = "nothing, unless results differ when they are made again"
        yield warning(FindingKind.machine, "python", message, remedy)
