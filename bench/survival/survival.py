"""Mail programs read their mail while nodes die, through Poplar and through its peers; run by run.sh.

Three Dovecots share one Maildir tree. Every 2 s the next of them is killed, stopped for 3.5 s, or restarted.
fetchmail (deletes; keeps), mpop (deletes; keeps), getmail6 and curl (delete) read meanwhile, each over a slow line. A
program whose session fails polls again a second later, until one visit of its has gone well.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from certificates import Authority  # noqa: E402
from node_storm import NodeStorm  # noqa: E402
from peers import DovecotProxy, HaProxy, Nginx  # noqa: E402
from poplar import Poplar, node  # noqa: E402
from shared_stand import HEALTH, POOL, TIMEOUTS, Readers, SharedStand, user_names  # noqa: E402

_COLUMNS = ("in front of the nodes", "faults", "readers", "done in one go", "sessions", "failed", "twice",
            "wrong bytes", "lost", "missing", "left on server", "seconds")


def arguments():
    parser = argparse.ArgumentParser(prog="bench/survival/run.sh", description=__doc__)
    parser.add_argument("--messages", type=int, default=2000, help="in each maildrop (%(default)s)")
    parser.add_argument("--each", type=int, default=1, help="users of each program and mode (%(default)s)")
    parser.add_argument("--rate", type=int, default=300_000, help="bytes a second of a reader's line (%(default)s)")
    parser.add_argument("--storm", type=float, default=120,
                        help="seconds that it lasts at most; 0: until the last is done (%(default)s)")
    parser.add_argument("--polls", type=int, default=500, help="of a reader whose sessions fail (%(default)s)")
    parser.add_argument("--only", choices=FRONTS, action="append", help="of the fronts; may be repeated")
    parser.add_argument("--verbose", action="store_true", help="tells of each reader, and of failures")
    return parser.parse_args()


def poplar(folder, stand, certificate, authority, **more):
    nodes = [node(each.name, each.pop3_port) for each in stand.nodes]
    return Poplar(folder, nodes, authority, [certificate], shared=True, health=HEALTH, pool=POOL, timeouts=TIMEOUTS,
                  **more)


FRONTS = {
    "Poplar": poplar,
    "Poplar, resume: off": lambda *given: poplar(*given, resume={"enabled": False}),
    "nginx mail": lambda folder, stand, *given: Nginx(folder, stand.nodes, *given),
    "HAProxy": lambda folder, stand, *given: HaProxy(folder, stand.nodes, *given),
    "Dovecot proxy": lambda folder, stand, certificate, _: DovecotProxy(folder, stand.nodes, certificate, stand.users),
}


def measure(name: str, options, folder: pathlib.Path):
    """The row of the table that this front gets."""
    authority = Authority(folder / "ca")
    certificate = authority.issue("front", ["localhost", "127.0.0.1"])
    with SharedStand(folder / "stand", certificate, user_names(options.each)) as stand:
        readers = Readers(stand, options.messages, options.each, options.rate)
        readers.fill()
        storm = NodeStorm(stand.nodes)
        with FRONTS[name](folder / "front", stand, certificate, authority) as front:
            begin = time.monotonic()
            readers.read(front.port, authority.file, options.polls, storm, options.storm)
            took = time.monotonic() - begin
        if options.verbose:
            tell(readers)
        total = readers.total()
        return (name, len(storm.faults), len(readers.readers), sum(1 for each in readers.readers if each.visits[0]),
                len(readers.sessions()), len(readers.failed()), total.twice, total.wrong, total.lost, total.missing,
                total.left, round(took))


def tell(readers):
    for reader in readers.readers:
        failed = [session for session in reader.sessions if session.failed]
        print(f"{reader.name}: {len(reader.sessions)} sessions, {len(failed)} failed; {readers.tally(reader)}",
              file=sys.stderr)
        for session in failed[:2]:
            print(f"  after {session.took:.1f} s: {session.output}", file=sys.stderr)


def main():
    options = arguments()
    print(f"| {' | '.join(_COLUMNS)} |\n|---|{'---:|' * (len(_COLUMNS) - 1)}", flush=True)
    for name in options.only or FRONTS:
        with tempfile.TemporaryDirectory(prefix="poplar-survival-") as folder:
            os.chmod(folder, 0o755)
            row = measure(name, options, pathlib.Path(folder))
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
