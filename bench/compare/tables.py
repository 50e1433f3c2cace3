"""A table for each kind of measurement."""

from latency import COMMANDS

NOTES = {
    "cpu": "CPU time of all of a proxy's processes, for a closed loop of many clients; beside it sessions a second and how long a "
           "session took. All proxies run, and take short turns; a ratio is the median of those within each turn. `hitch`, "
           "`nginx-stream` and `floor` are references: they understand no POP3. Where sessions are parked, the floor is `floor-parked`, "
           "which keeps logged-in connections, too.",
    "latency": "An open loop at half of what the proxy came to in a closed one, and the node asked directly, in the clear, at the "
               "same rate and on the same core. Load and node share that core, so it may be their limit that was met, and not the "
               "proxy's. Each command: median / 99 %, in µs, of what the proxy adds.",
    "memory": "What a proxy takes with sessions beyond what it takes without, a session. User space: proportional shares of all its "
              "processes. Kernel: what is charged to their control group. The machine's kernel: slabs, sockets' buffers, "
              "stacks and page tables of all, less those of as many sessions straight to the nodes; not part of the sum.",
    "failures": "Polls in an open loop. Failed ones, and those of over 3 s whether or not they failed; a client gives up after 30 s "
                "without a byte. `poplar`: its defaults; `poplar-tuned`: as in the case study.",
    "storm": "Clients in a closed loop, until all have been in once.",
    "growth": "Poplar alone, each login one at the node. A node's probes go on meanwhile and are in the figure. "
              "Maildrops are those of a node that has its answers ready.",
    "workers": "Proxy, nodes and load share all cores of the machine, so two workers take the load's time where there are but two "
               "cores.",
    "dovecot": "The node is a real Dovecot, on the load's core.",
}
EXPECTED = {"failures": True}   # failed sessions are what is measured


def table(head, rows) -> str:
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
    return "\n".join(lines + [f"| {' | '.join(map(str, row))} |" for row in rows])


def _measured(part: dict, figure: str):
    """Rows that have the figure, the smallest first."""
    rows = [(name, row) for name, row in part["rows"].items() if figure in row]
    return sorted(rows, key=lambda each: each[1][figure])


def troubles(part: dict, expected: bool):
    """What failed, in words; nothing is left out of the results for that."""
    for name, row in part["rows"].items():
        if "error" in row:
            yield f"**{name}** could not be measured: {row['error']}"
        for error in row.get("errors", []):
            yield f"**{name}**: a round could not be measured: {error}"
        if row.get("failed") and not expected:
            yield f"**{name}**: {row['failed']} of {row.get('sessions', '?')} sessions failed."


def _ratio(value) -> str:
    return "" if value is None else f"{value:.2f}"


def _cpu(part: dict):
    scale, unit, digits = (1, "a session, µs", 0) if part.get("unit", "session") == "session" else (1e6, "a GB, s", 2)
    rows = [[name, f"{row['cpu_us'] / scale:.{digits}f}",
             f"{min(row['cpu_us_of_rounds']) / scale:.{digits}f} to {max(row['cpu_us_of_rounds']) / scale:.{digits}f}",
             _ratio(row.get("to_best_peer")), _ratio(row.get("to_floor")), f"{row['sessions_per_second']:.0f}",
             f"{row['p50_ms']:.2f}", f"{row['p99_ms']:.2f}"] for name, row in _measured(part, "cpu_us")]
    yield table(["", f"CPU {unit}", "rounds", "to the best peer", "to the floor", "sessions a second", "p50 ms", "p99 ms"],
                rows)


def _latency(part: dict):
    rows = []
    for name, row in _measured(part, "p50_ms"):
        steps = [row["steps"][command] for command in COMMANDS]
        rows.append([name, f"{row['most_per_second']:.0f}", f"{row['rate_per_second']:.0f}",
                     *(f"{step['added_p50_us']:.0f} / {step['added_p99_us']:.0f}" for step in steps),
                     f"{row['p50_ms']:.2f} / {row['p99_ms']:.2f}"])
    yield table(["", "most a second", "offered", *COMMANDS, "session, ms"], rows)
    rows = []
    for name, row in _measured(part, "p50_ms"):
        steps = [row["steps"][command] for command in COMMANDS]
        rows.append([name, *(f"{step['p50_us']:.0f} / {step['direct_p50_us']:.0f}" for step in steps)])
    yield "Medians, in µs: through the proxy / of the node itself."
    yield table(["", *COMMANDS], rows)


def _memory(part: dict):
    rows = [[name, f"{row['held']:,.0f}", f"{row['user_kib']:.1f}", f"{row['kernel_kib']:.1f}", f"{row['total_kib']:.1f}",
             f"{row['beyond_direct_kib']:.1f}" if "beyond_direct_kib" in row else "", f"{row['without_sessions_mib']:.1f}"]
            for name, row in _measured(part, "total_kib")]
    yield table(["", "held", "user space, KiB a session", "kernel, KiB", "together, KiB", "the machine's kernel, KiB",
                 "without sessions, MiB"], rows)
    yield from (f"{name}: {row['processes']:.0f} processes on one port, so that none needs more descriptors than it may have; "
                "their memory is added up." for name, row in part["rows"].items() if "processes" in row)


def _failures(part: dict):
    rows = [[name, f"{row['rate_per_second']:.0f}", row["sessions"], row["failed"], row["over_3s"],
             f"{row['longest_s']:.1f}", f"{row['p50_ms']:.1f}", ", ".join(f"{step} {count}" for step, count in row["failed_at"].items())]
            for name, row in _measured(part, "failed")]
    yield f"The node fails after {part['fails_after_seconds']:g} s, for {part['for_seconds']:g} s."
    yield table(["", "offered a second", "sessions", "failed", "over 3 s", "longest, s", "p50 ms", "failed at"], rows)


def _storm(part: dict):
    rows = [[name, f"{row['sessions']:,}", row["failed"], f"{row['seconds']:.1f}", f"{row['sessions_per_second']:.0f}",
             f"{row['cpu_seconds']:.1f}", f"{row['p50_ms']:.0f}", f"{row['p99_ms']:.0f}", f"{row['longest_s']:.1f}"]
            for name, row in _measured(part, "seconds")]
    yield f"{part['clients']:,} clients; one of three nodes was away for {part['away_seconds']:g} s."
    yield table(["", "logins", "failed", "s until all are in", "a second", "CPU, s", "p50 ms", "p99 ms", "longest, s"], rows)


def _growth(part: dict):
    figures = {"cpu_us": "CPU a poll, µs", "to_first": "to the first", "bytes_a_poll": "bytes a poll",
               "cpu_ns_a_byte": "CPU a byte, ns", "cpu_ns_a_further_byte": "of those beyond the first's, ns",
               "idle_cpu_ms_per_second": "CPU without load, ms a second", "open": "open"}
    rows = part["rows"]
    shown = [figure for figure in figures if any(figure in row for row in rows.values())
             and (figure != "bytes_a_poll" or any("cpu_ns_a_byte" in row for row in rows.values()))]
    yield table(["", *(figures[figure] for figure in shown)],
                [[f"{int(name):,}", *(f"{row[figure]:,.{0 if row[figure] >= 100 else 2}f}" if figure in row else ""
                                      for figure in shown)] for name, row in rows.items()])


def _workers(part: dict):
    yield table(["workers", "CPU a session, µs", "sessions a second", "p50 ms", "p99 ms"],
                [[name, f"{row['cpu_us']:.0f}", f"{row['sessions_per_second']:.0f}", f"{row['p50_ms']:.2f}",
                  f"{row['p99_ms']:.2f}"] for name, row in part["rows"].items() if "cpu_us" in row])
    if "throughput_ratio" in part:
        yield (f"Two against one, on {part['cores']} cores: {part['throughput_ratio']:.2f} × the throughput, "
               f"{part['cpu_ratio']:.2f} × the CPU a session.")


OF = {"cpu": _cpu, "latency": _latency, "memory": _memory, "failures": _failures, "storm": _storm, "growth": _growth,
      "workers": _workers, "dovecot": _cpu}
