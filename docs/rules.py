"""Snakemake's graph of rules in Graphviz's language, from stdin to stdout: without `all`, to which
every rule leads, from left to right, in one colour."""

import re
import sys


def readable(dot):
    """The graph without the rule `all`, and laid out for a page."""
    (everything,) = re.findall(r"^\s*(\d+)\[label = \"all\"", dot, re.MULTILINE)
    lines = [line for line in dot.splitlines() if not _names(line, everything)]
    text = re.sub(r'color = "[\d. ]+", ', "", "\n".join(lines))
    look = 'rankdir=LR; nodesep=0.12; ranksep=0.3; node [color="#1f6f8b"]; edge [color="#888888"];'
    return re.sub(r"(digraph \w+ \{)", rf"\1 {look}", text, count=1)


def _names(line, number):
    return re.match(rf"\s*({number}\[|\d+ -> {number}\b|{number} -> )", line) is not None


if __name__ == "__main__":
    sys.stdout.write(readable(sys.stdin.read()))
