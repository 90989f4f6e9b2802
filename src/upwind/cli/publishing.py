"""Commands that publish the results of a run: ``crate`` and ``release``."""

from pathlib import Path
from typing import Annotated

import typer

from upwind.cli.options import check_file
from upwind.cli.printing import say
from upwind.common.errors import UpwindError


def crate(
    folder: Annotated[Path, typer.Argument(help="Results of an experiment: results/NAME.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Crate to write (.zip).")],
    licence: Annotated[
        str | None, typer.Option(help="Address of a licence other than the repository's.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a crate that is there.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Publish it although the audit finds faults.")
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option(
            "--sign",
            metavar="KEY",
            help="Sign it with this OpenSSH key (or its .pub, with an agent or a hardware key).",
        ),
    ] = None,
    timestamp: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Have the signature's time attested by this authority (RFC 3161)."
        ),
    ] = None,
) -> None:
    """Publish an experiment as one file: a Workflow Run RO-Crate.

    It holds tables, figures, scores, weights, configuration, records and the workflow. Volumes,
    segmentations and slices are described by their hashes and stay where they are.
    """
    from upwind.audit.crate.write import Signing, write_crate

    check_file(output, overwrite)
    if timestamp and key is None:
        raise UpwindError("--timestamp is about a signature: give --sign KEY with it")
    signing = Signing(key, timestamp) if key else None
    made = write_crate(folder, output, force, licence, signing)
    if made.broken:
        say(f"Warning: published with {len(made.broken)} broken links in it", err=True)
    size = made.path.stat().st_size / 1e6
    say(
        f"{made.path}: {made.files} files, {size:.1f} MB; {made.described} described only\n"
        f"SHA-256 {made.sha256}"
    )


def release(
    name: Annotated[str, typer.Argument(help="Name of the release: a git tag and a folder.")],
    experiment: Annotated[str, typer.Option(help="Experiment to release.")] = "demo",
    push: Annotated[bool, typer.Option(help="Push to the DVC remote.")] = True,
    results_only: Annotated[
        bool, typer.Option("--results-only", help="Do not push the versions of data and slices.")
    ] = False,
    allow_dirty: Annotated[
        bool, typer.Option("--allow-dirty", help="Release in spite of uncommitted changes.")
    ] = False,
) -> None:
    """Publish a finished experiment: tables, figures, scores and trained networks.

    They are copied to releases/NAME, put under DVC and pushed; their pointer is committed and the
    commit tagged NAME. What fails leaves nothing behind.
    """
    from upwind.versions.release import make_release, plan_release

    planned = plan_release(name, Path("results", experiment), push, allow_dirty)
    make_release(planned, push, with_data=not results_only)
    say(f"{planned.folder} is tagged {name}. Publish the tag: git push origin HEAD {name}")
    if not push:
        say(f"Push what it names, when you can: dvc push {planned.folder}.dvc")
    say(f"""In another clone:
  git checkout {name} && dvc pull {planned.folder}.dvc && upwind show {planned.folder}""")
