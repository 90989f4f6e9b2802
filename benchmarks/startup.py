"""CPU seconds of a job before its work begins: Python's start and what its script imports.

The demo starts 157 processes, so a tenth of a second here is a quarter of a minute there.
"""

import argparse
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "workflow/scripts"
# Runs the imports of a script and nothing else; what it prints is CPU seconds of this process.
IMPORTS_ALONE = """
import ast, sys, time
from pathlib import Path

tree = ast.parse(Path(sys.argv[1]).read_text(encoding="utf-8"))
tree.body = [part for part in tree.body if isinstance(part, ast.Import | ast.ImportFrom)]
exec(compile(tree, sys.argv[1], "exec"))
print(time.process_time(), *sorted({name.split(".")[0] for name in sys.modules}))
"""
# Packages that take a tenth of a second or more.
HEAVY = ("SimpleITK", "matplotlib", "nibabel", "numba", "optuna", "pandas", "scipy", "sklearn")


def main() -> None:
    """Print seconds and heavy packages of each script, the slowest first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    found = {script.stem: measure(script, given.rounds) for script in SCRIPTS.glob("*.py")}
    for name, (seconds, heavy) in sorted(found.items(), key=lambda one: -one[1][0]):
        print(f"{name:28s} {seconds:5.2f} s of CPU  {' '.join(heavy)}")


def measure(script: Path, rounds: int) -> tuple[float, list[str]]:
    """CPU seconds of the fastest round, and which heavy packages are imported."""
    command = [sys.executable, "-c", IMPORTS_ALONE, str(script)]
    answers = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        for _ in range(rounds)
    ]
    packages = answers[0][1:]
    return min(float(one[0]) for one in answers), [p for p in (*HEAVY, "torch") if p in packages]


if __name__ == "__main__":
    main()
