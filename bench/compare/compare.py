"""Poplar and its peers side by side; run by bench/run.sh. Writes results.json, and RESULTS.md out of it.

The proxy has one core for itself, nodes and load have the other one. What is chosen by --only and --scenario is measured
anew in results.json, what else is there stays.
"""

import argparse
import datetime
import json
import os
import pathlib
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import time

import chart
import cpu
import failures
import growth
import latency
import memory
import real_dovecot
import render
import storm
import survivors
import targets
import versions
import workers
from bench import LOAD, LOAD_CORE, Bench, attempt
from peers import ALL as FRONTS
from peers import BUILD, ROOT

KINDS = {"cpu": cpu, "latency": latency, "memory": memory, "failures": failures, "storm": storm, "growth": growth,
         "workers": workers, "dovecot": real_dovecot}
_TRIAL = BUILD.parent / "bench-trial"


def arguments():
    parser = argparse.ArgumentParser(prog="bench/run.sh", description=__doc__)
    parser.add_argument("--only", metavar="KIND", choices=KINDS, action="append",
                        help=f"one of {', '.join(KINDS)}; may be repeated")
    parser.add_argument("--scenario", metavar="WORDS", action="append",
                        help="only the parts of a kind with this in their name; may be repeated")
    parser.add_argument("--list", action="store_true", help="prints kinds and their parts, and measures nothing")
    fronts = list(dict.fromkeys([*FRONTS, *survivors.ALL]))
    parser.add_argument("--front", metavar="PROXY", choices=fronts, action="append",
                        help=f"only this: {', '.join(fronts)}; may be repeated")
    parser.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--size", type=float, default=1, help="times the usual amount of work (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round of a twentieth: to see that everything works")
    parser.add_argument("--upstream", action="store_true",
                        help="Poplar with upstream's BoringSSL, too, out of build/upstream; bench/run.sh says so where "
                        "BORINGSSL_ROOT is set")
    parser.add_argument("--out", type=pathlib.Path,
                        help=f"folder of the results (bench; {_TRIAL.relative_to(ROOT)} for a trial: with --front, --quick, "
                        "another --size or fewer --rounds than 5)")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.size = 1, 0.05
    if options.out is None:
        trial = options.front or options.size != 1 or options.rounds < 5
        options.out = _TRIAL if trial else ROOT / "bench"
    return options


def chosen(options):
    """(kind, part) of all that is to be measured."""
    return [(kind, part) for kind, module in KINDS.items() for part in module.PARTS
            if (not options.only or kind in options.only)
            and (not options.scenario or any(words in part for words in options.scenario))]


def read(file: pathlib.Path) -> dict:
    return json.loads(file.read_text()) if file.exists() else {}


def write(results: dict, folder: pathlib.Path):
    """Runs of which nothing is left are forgotten."""
    used = {part["run"] for kind in KINDS for part in results.get(kind, {}).values()}
    results["runs"] = {run: about for run, about in results["runs"].items() if run in used}
    targets.add_ratios(results)
    results["targets"] = targets.targets(results)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("results.json", json.dumps(results, indent=1, ensure_ascii=False) + "\n"),
                       ("results.svg", chart.draw(results)), ("RESULTS.md", render.markdown(results, KINDS))):
        (folder / f"{name}.new").write_text(text)
        (folder / f"{name}.new").replace(folder / name)


def errors_of(part: dict):
    """What went wrong as nobody expects it, also in single rounds."""
    for name, row in part["rows"].items():
        for error in ([row["error"]] if "error" in row else []) + row.get("errors", []):
            yield f"{name}: {error}"


def measure_all(options, parts, bench: Bench) -> list:
    results = read(options.out / "results.json")
    run = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    about = versions.all_of_it(options.upstream)
    words = shlex.join(["bench/run.sh", *(word for word in sys.argv[1:] if word != "--upstream")])
    results.setdefault("runs", {})[run] = {
        "command": ("BORINGSSL_ROOT=PREFIX " if options.upstream else "") + words, "rounds": options.rounds,
        "size": options.size, **about}
    errors = []
    for number, (kind, part) in enumerate(parts, 1):
        begun = time.monotonic()
        result = attempt(f"{kind}, {part}", lambda kind=kind, part=part: KINDS[kind].measure(bench, part))
        if "error" in result:
            result = {"rows": {"all": result}}
        result["run"] = run
        result["took_seconds"] = round(time.monotonic() - begun, 1)
        errors += (f"{kind}, {part}: {error}" for error in errors_of(result))
        results.setdefault(kind, {})[part] = result
        write(results, options.out)
        print(f"{number:3} of {len(parts)}  {kind}: {part} ({result['took_seconds']:.0f} s)".ljust(112), file=sys.stderr)
    return errors


def main():
    options = arguments()
    parts = chosen(options)
    if options.list:
        print("\n".join(f"{kind}: {part}" for kind, part in parts))
        return
    if not parts:
        sys.exit("nothing has such a name: --list tells the names")
    cores = tuple(sorted(os.sched_getaffinity(0)))
    if not {0, 1} <= set(cores):
        sys.exit("needs the cores 0 and 1: one for the proxy, one for nodes and load")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))   # by the way that ends all that was started
    os.sched_setaffinity(0, {LOAD_CORE})   # and all that isn't told otherwise
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="poplar-bench-") as name:
        os.chmod(name, 0o755)
        subprocess.run([str(LOAD), "certificate", name], check=True, timeout=60)
        bench = Bench(pathlib.Path(name), options.size, options.rounds, tuple(options.front or ()), cores,
                      options.upstream)
        errors = measure_all(options, parts, bench)
    print(f"results.json and RESULTS.md are in {options.out}", file=sys.stderr)
    if errors:
        sys.exit("\n".join(["what could not be measured:", *errors]))


if __name__ == "__main__":
    main()
