"""``python -m upwind.report RESULTS CAPTIONS`` writes the report of a finished run."""

import sys
from pathlib import Path

from upwind.common.errors import UpwindError
from upwind.report.page import write_report

if __name__ == "__main__":
    try:
        write_report(*map(Path, sys.argv[1:]))
    except UpwindError as error:
        sys.exit(f"Error: {error}")
