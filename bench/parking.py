"""Login latency, CPU of the node and staleness with parking on and off; run by parking.sh, which says more.

A Dovecot with slow password hashes (BLF-CRYPT) and large maildrops serves two kinds of visitors through Poplar: one
user whom several clients poll, and users who test their account's settings and then begin the real session.
"""

import argparse
import concurrent.futures
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "integration"))

from certificates import Authority  # noqa: E402
from corpus import message  # noqa: E402
from dovecot import PASSWORD, Dovecot  # noqa: E402
from exposition import value  # noqa: E402
from poplar import Poplar, node  # noqa: E402
from waiting import until  # noqa: E402

POLLED = "polled"
POLL = ("STAT", "UIDL", "LIST")
TEST = ("STAT",)
REAL = ("STAT", "UIDL", "LIST", "RETR 1")
_TICKS = os.sysconf("SC_CLK_TCK")


def arguments():
    parser = argparse.ArgumentParser(prog="bench/parking.sh", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000, help="in each maildrop (%(default)s)")
    parser.add_argument("--seconds", type=int, default=60, help="of polling (%(default)s)")
    parser.add_argument("--clients", type=int, default=3, help="that poll the one user (%(default)s)")
    parser.add_argument("--interval", type=float, default=3, help="seconds between a client's polls (%(default)s)")
    parser.add_argument("--users", type=int, default=20, help="who set their account up (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each of them does (%(default)s)")
    parser.add_argument("--cost", type=int, default=10,
                        help="of BLF-CRYPT, a power of two (%(default)s; Dovecot's own default is 5)")
    parser.add_argument("--age", type=float, default=5, help="pool.max_snapshot_age in seconds (%(default)s)")
    return parser.parse_args()


class Node(Dovecot):
    def fill(self, users, count: int):
        """Gives each user `count` messages, as a delivery agent that notes their sizes in their names does."""
        pool = self.folder / "messages"
        pool.mkdir()
        for number in range(count):
            content = message(f"small-{number:05}", b"number %d\r\n" % number)
            path = pool / f"17000{number:05}.M{number}.bench,S={len(content)},W={len(content)}:2,"
            path.write_bytes(content)
            self._hand_over(path)
        for user in users:
            for part in ("", "cur", "new", "tmp"):
                (self.mail / user / part).mkdir(parents=True, exist_ok=True)
                self._hand_over(self.mail / user / part)
            for path in pool.iterdir():
                os.link(path, self.mail / user / "cur" / path.name)

    def cpu(self) -> float:
        """Seconds of all its processes; those that have ended are in what their parents waited for."""
        total = 0
        for pid in self.processes():
            try:
                words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except FileNotFoundError:
                continue
            total += sum(int(word) for word in words[11:15])
        return total / _TICKS

    def all_logins(self) -> int:
        return self.log.read_text(errors="replace").count("Info: Login: user=")


def visit(proxy, user, commands):
    """(seconds from PASS to its +OK, seconds of the whole session)"""
    begin = time.monotonic()
    with proxy.connect() as session:
        session.ok(f"USER {user}")
        asked = time.monotonic()
        session.ok(f"PASS {PASSWORD}")
        admitted = time.monotonic()
        for command in commands:
            session.ok(command)
        session.ok("QUIT")
    return admitted - asked, time.monotonic() - begin


def polls(proxy, options):
    """Clients evenly out of step."""
    def client(number):
        found, start = [], time.monotonic() + number * options.interval / options.clients
        for turn in range(int(options.seconds / options.interval)):
            time.sleep(max(0.0, start + turn * options.interval - time.monotonic()))
            found.append(visit(proxy, POLLED, POLL))
        return found
    with concurrent.futures.ThreadPoolExecutor(options.clients) as pool:
        return [each for found in pool.map(client, range(options.clients)) for each in found]


def set_ups(proxy, users, options):
    """Test, half a second of a human's time, the real session; the figures of the real ones."""
    def newcomer(user):
        visit(proxy, user, TEST)
        time.sleep(0.5)
        return visit(proxy, user, REAL)
    found = []
    for _ in range(options.rounds):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            found += pool.map(newcomer, users)
        until(lambda: value(proxy, "poplar_pool_connections", kind="parked") == 0,
              "the parked sessions of this round to expire", options.age + 20)
    return found


def measure(dovecot, proxy, work, sessions_each: int, warm_up):
    warm_up(proxy)  # indexes read, connections warm
    until(lambda: value(proxy, "poplar_pool_connections", kind="parked") == 0, "a clean start", 90)
    before, logins, ages = dovecot.cpu(), dovecot.all_logins(), age(proxy)
    found = work(proxy)
    proxy.idle()
    until(lambda: value(proxy, "poplar_pool_connections", kind="parked") == 0, "all to be over", 90)
    count, total = (new - old for new, old in zip(age(proxy), ages))
    return {"sessions": len(found) * sessions_each, "found": found, "cpu": dovecot.cpu() - before,
            "logins": dovecot.all_logins() - logins, "reused": count,
            "age": total / count if count else None}


def age(proxy):
    return (value(proxy, "poplar_pool_snapshot_age_seconds_count"),
            value(proxy, "poplar_pool_snapshot_age_seconds_sum"))


def row(name, limit, got):
    login, whole = ([1000 * each[part] for each in got["found"]] for part in (0, 1))
    quantile = statistics.quantiles(login, n=20)[18]
    stale = f"{got['age']:.1f} s" if got["age"] is not None else "0"
    parking = f"on, {limit:g} s" if limit else "off"
    return (f"| {name} | {parking} | {got['sessions']} | {got['logins']} | "
            f"{statistics.median(login):.1f} | {quantile:.1f} | {statistics.median(whole):.1f} | "
            f"{1000 * got['cpu'] / got['sessions']:.1f} | {stale} |")


def main():
    options = arguments()
    stored = subprocess.run(["doveadm", "pw", "-s", "BLF-CRYPT", "-r", str(options.cost), "-p", PASSWORD],
                            capture_output=True, text=True, check=True).stdout.strip()
    newcomers = [f"newcomer{index:03}" for index in range(options.users)]
    everybody = [POLLED, *newcomers]
    rows = []
    with tempfile.TemporaryDirectory(prefix="poplar-parking-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        authority = Authority(folder / "ca")
        certificate = authority.issue("node", ["localhost"])
        with Node(folder / "node", "node1", certificate, everybody, stored=stored) as dovecot:
            print(f"filling {len(everybody)} maildrops with {options.messages} messages", file=sys.stderr)
            dovecot.fill(everybody, options.messages)
            for limit in (0, options.age):
                print(f"max_snapshot_age {limit:g} s", file=sys.stderr)
                with Poplar(folder / f"poplar-{limit:g}", [node("node1", dovecot.pop3_port)], authority,
                            pool={"max_snapshot_age": f"{int(limit * 1000)}ms"}) as proxy:
                    rows.append(row("polled", limit, measure(
                        dovecot, proxy, lambda proxy: polls(proxy, options), 1,
                        lambda proxy: visit(proxy, POLLED, POLL))))
                    rows.append(row("set up", limit, measure(
                        dovecot, proxy, lambda proxy: set_ups(proxy, newcomers, options), 2,
                        lambda proxy: [visit(proxy, user, REAL) for user in newcomers])))
    print("| users | parking | sessions | logins at the node | login ms, median | p95 | session ms, median | "
          "node CPU ms a session | mean age of a reused view |\n|---|---|---:|---:|---:|---:|---:|---:|---:|")
    print("\n".join(sorted(rows)))


main()
