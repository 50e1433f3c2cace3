"""Runs the checks of this folder on the repository: check.py [layering|lengths|seams|house]..."""

import sys

import house
import layering
import lengths
import seams
from source import Tree

CHECKS = {"layering": layering, "lengths": lengths, "seams": seams, "house": house}


def main(names):
    tree = Tree.of_repository()
    assert any(True for _ in tree.cpp("proxy")), "no sources found: the checks would pass on nothing"
    findings = sorted(finding for name in names or CHECKS for finding in CHECKS[name].check(tree))
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings in {len(tree.files)} files")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
