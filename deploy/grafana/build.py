#!/usr/bin/python3
"""Writes the dashboards beside this file; --check says instead which of them aren't what it would write.

What they show stands in contents.py, and how a panel looks in panels.py. Grafana imports the JSON as it is.
"""

import json
import pathlib
import sys

from contents import dashboards

FOLDER = pathlib.Path(__file__).resolve().parent


def main(arguments) -> int:
    stale = 0
    for made in dashboards():
        path = FOLDER / f"{made['uid']}.json"
        text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
        if path.exists() and path.read_text() == text:
            continue
        if arguments == ["--check"]:
            print(f"{path.name} is not what build.py writes; run deploy/grafana/build.py")
            stale += 1
        else:
            path.write_text(text)
            print(f"wrote {path.name}")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
