#!/usr/bin/env python3
"""Counts the cases that the programs of a ctest run had: tests/cases.py BUILD_FOLDER

Prints "PASSED FAILED", then a line for each case that was skipped, with its reason. One ctest entry may be a GoogleTest
program with hundreds of cases; each other entry is one. A case that a program should have run and that did not end well,
say for a crash before it, has failed.
"""

import pathlib
import re
import sys


def count(log: str):
    """(passed, failed, skipped with reasons) of a LastTest.log, in which the output of each entry is whole."""
    passed, failed, skipped = 0, 0, []
    for entry in re.split(r"^\d+/\d+ Testing: .*\n", log, flags=re.MULTILINE)[1:]:
        good = re.search(r"^Test Pass(ed\.| Reason:)$", entry, re.MULTILINE) is not None
        running = re.search(r"^\[={10}\] Running (\d+) tests? from", entry, re.MULTILINE)
        if not running:
            passed, failed = passed + good, failed + (not good)
            continue
        cases = int(running[1])
        ended = re.search(r"^\[  PASSED  \] (\d+) tests?\.$", entry, re.MULTILINE)
        well = int(ended[1]) if ended else len(re.findall(r"^\[       OK \] ", entry, re.MULTILINE))
        left_out = _skipped(entry)
        bad = cases - well - len(left_out)
        if bad == 0 and not good:  # all cases are well, and the program is not: a leak, a hang at its end
            bad = 1
        passed, failed, skipped = passed + well, failed + bad, skipped + left_out
    return passed, failed, skipped


def _skipped(entry: str):
    found = re.findall(r": Skipped\n((?:.*\n)*?)\n?\[  SKIPPED \] (\S+) \(\d+ ms\)$", entry, re.MULTILINE)
    return [f"{case}: {' '.join(reason.split())}" for reason, case in found]


if __name__ == "__main__":
    log = pathlib.Path(sys.argv[1], "Testing", "Temporary", "LastTest.log")
    passed, failed, skipped = count(log.read_text(errors="replace") if log.exists() else "")
    print(passed, failed)
    for line in skipped:
        print("skipped:", line)
