"""Counts the instructions of each micro-benchmark's fixed work and holds them against instructions.json.

Instructions, not time: the same on a busy machine. Exit 0; 1 where one needs more than 3 % more or less than it did: less
is to be written down as well, or a later loss would hide behind it.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

_HERE = pathlib.Path(__file__).resolve().parent
_KNOWN = _HERE / "instructions.json"
_TOLERANCE = 0.03


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path, help="poplar_micro")
    parser.add_argument("--update", action="store_true", help="writes down what was counted")
    return parser.parse_args()


def names(program):
    listed = subprocess.run([program, "--benchmark_list_tests"], check=True, capture_output=True, text=True)
    return listed.stdout.split()


def instructions(program, name: str, folder: str) -> int:
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/{name.replace('/', '-')}.out", program,
         f"--benchmark_filter=^{re.escape(name)}$"], check=True, capture_output=True, text=True)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="poplar-instructions-") as folder:
        # Debian 12's valgrind can't read what clang 19 writes for debuggers.
        program = pathlib.Path(folder) / "poplar_micro"
        subprocess.run(["objcopy", "--strip-debug", options.program, program], check=True)
        counted = {name: instructions(program, name, folder) for name in names(program)}
    if options.update:
        _KNOWN.write_text(json.dumps(counted, indent=2) + "\n")
        return 0
    known = json.loads(_KNOWN.read_text())
    missing = known.keys() ^ counted.keys()
    for name in sorted(missing):
        print(f"{name}: in {'instructions.json' if name in known else 'poplar_micro'} only")
    bad = len(missing)
    for name in sorted(known.keys() & counted.keys()):
        change = counted[name] / known[name] - 1
        word = "ok" if abs(change) <= _TOLERANCE else "CHANGED"
        bad += word != "ok"
        print(f"{name:40} {counted[name]:>14,} instructions, {change:+.2%}  {word}")
    if bad:
        print("If this is as it should be: python3 bench/micro/instructions.py build/release/bench/micro/poplar_micro "
              "--update, and say why in the commit.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
