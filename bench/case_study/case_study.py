"""A firm's POP3 service before and after: latency per message and failed sessions; run by bench/case_study/run.sh.

All runs go on side by side, since they mostly wait: each has nodes, a proxy and a load of its own, of the same model and
seed.
"""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from fronts import FRONTS
from model import Model
from peers import BUILD, Child, Stand
from picture import draw_failures, draw_latencies
from result import Result

_GENERATOR = BUILD / "bench" / "generator" / "poplar_generator"
_LOAD = BUILD / "bench" / "load" / "poplar_load"
# From the nodes' begin, from which their stalls count, to the load's: as long for all, and enough for a proxy to start.
_LEAD_SECONDS = 15
_QUICK_SECONDS = 60


def arguments():
    parser = argparse.ArgumentParser(prog="bench/case_study/run.sh", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"a morning of {_QUICK_SECONDS} s: to see that it works")
    parser.add_argument("--only", choices=[each.__name__ for each in FRONTS], action="append",
                        help="only these; may be repeated")
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[],
                        help="changes a number of model.py; may be repeated")
    parser.add_argument("--out", type=pathlib.Path, default=BUILD.parent / "case_study",
                        help="folder for pictures and results.json (%(default)s)")
    return parser.parse_args()


def model_of(options) -> Model:
    types = {field.name: field.type for field in dataclasses.fields(Model)}
    changed = {"seconds": _QUICK_SECONDS} if options.quick else {}
    for each in options.set:
        name, _, value = each.partition("=")
        if name not in types:
            sys.exit(f"--set {each}: model.py has no {name}, but {', '.join(types)}")
        changed[name] = types[name](value)
    return dataclasses.replace(Model(), **changed)


@contextlib.contextmanager
def nodes(folder: pathlib.Path, model: Model, count: int):
    """Ports of so many nodes, and when they began."""
    log = folder / "nodes.log"
    child = Child([_LOAD, "nodes", "--nodes", count, *model.nodes_arguments()], log)
    child.wait_for(lambda: "ready" in log.read_text(), "the nodes to be ready")
    begun = time.monotonic()
    try:
        yield [int(line.rpartition(":")[2]) for line in log.read_text().splitlines() if line.startswith("node ")], begun
    finally:
        child.stop()


def read_journal(file: pathlib.Path):
    """(seconds of each message that came, in order of size; how many were lost)"""
    words = [line.split()[1] for line in file.read_text().splitlines()]
    return sorted(float(word) / 1000 for word in words if word != "lost"), words.count("lost")


def measure(front_type, model: Model, certificate: pathlib.Path, folder: pathlib.Path, starting) -> Result:
    """One run. `starting`: a lock."""
    folder.mkdir(mode=0o755)
    journal = folder / "journal"
    stage = front_type.stage
    with contextlib.ExitStack() as stack:
        with starting:   # one by one, so that no two take the same free port
            ports, begun = stack.enter_context(nodes(folder, model, stage.nodes))
            stand = Stand(folder, ports, certificate / "certificate.pem", certificate / "key.pem")
            stand.users = model.users
            front = stack.enter_context(front_type(stand))
        late = time.monotonic() - begun - _LEAD_SECONDS
        assert late < 0, f"{front.name}: took {late + _LEAD_SECONDS:.0f} s to start"
        time.sleep(-late)
        done = subprocess.run([str(_GENERATOR), "--target", f"127.0.0.1:{front.port}", "--journal", str(journal),
                               *map(str, model.load_arguments()), *([] if stage.tls else ["--plain"])],
                              check=True, capture_output=True, text=True, timeout=model.seconds + 300)
    report = json.loads(done.stdout)
    return Result(front.name, stage.name, front.cannot, report["sessions"] + report["failed"], report["failed"],
                  report["failed_at"], *read_journal(journal))


def measure_all(options, model: Model, folder: pathlib.Path):
    fronts = [each for each in FRONTS if not options.only or each.__name__ in options.only]
    subprocess.run([str(_LOAD), "certificate", str(folder)], check=True)
    print(f"{len(fronts)} runs side by side, of {model.seconds + _LEAD_SECONDS:.0f} s and what their last sessions take",
          file=sys.stderr)
    starting = threading.Lock()
    with concurrent.futures.ThreadPoolExecutor(len(fronts)) as pool:
        runs = [pool.submit(measure, each, model, folder, folder / f"run-{i}", starting)
                for i, each in enumerate(fronts)]
        return [run.result() for run in runs]


def table(results) -> str:
    """Markdown. Of "before" is Poplar's, as all of the model's numbers are set by it."""
    lines = ["| stage | proxy | sessions | failed | | messages lost | a message takes, mean | median | 90 % | 99 % | longest "
             "| against before |",
             "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    before = next((each.mean for each in results if (each.proxy, each.stage) == ("poplar", "before")), None)
    for each in results:
        change = f"{100 * (each.mean / before - 1):+.1f} %" if before else ""
        lines.append(
            f"| {each.stage} | {each.title} | {each.sessions} | {each.failed} | {each.failed_percent:.2f} % | {each.lost} "
            f"| {each.mean:.2f} s | {each.quantile(0.5):.2f} s | {each.quantile(0.9):.2f} s | {each.quantile(0.99):.2f} s "
            f"| {each.seconds[-1]:.1f} s | {change} |")
    lines += [""] + [f"What {title} can't: {cannot}." for title, cannot in
                     dict((each.title, each.cannot) for each in results if each.cannot).items()]
    return "\n".join(lines)


def main():
    options = arguments()
    model = model_of(options)
    with tempfile.TemporaryDirectory(prefix="poplar-case-") as name:
        os.chmod(name, 0o755)
        results = measure_all(options, model, pathlib.Path(name))
    print(table(results))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "latencies.svg").write_text(draw_latencies(results))
    (options.out / "failures.svg").write_text(draw_failures(results))
    (options.out / "results.json").write_text(json.dumps(
        {"model": dataclasses.asdict(model), "results": [dataclasses.asdict(each) for each in results]}) + "\n")
    print(f"pictures and results.json are in {options.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
