"""RESULTS.md, out of results.json alone: no figure in it that isn't there."""

import chart
import tables
from peers import UPSTREAM

_HEAD = """# Results

Written by `bench/run.sh` out of `results.json`; [compare/README.md](compare/README.md) says what is measured, and how.
"""


def _runs(results: dict):
    for run, about in results["runs"].items():
        machine, programs = about["machine"], about["programs"]
        yield (f"**{run}**, `{about['command']}`: {about['rounds']} rounds, {about['size']:g} times the usual size, "
               f"commit {about['commit'] or 'unknown'}; "
               f"{machine['system']}, Linux {machine['kernel']}, {machine['cores']} cores of {machine['cpu']}, "
               f"{machine['memory_gib']} GiB, load before it {about['load_before']}.")
        named = [f"{name}: {answer}" for name, answer in programs.items()]
        upstream = about["tls_library_upstream"]
        yield (f"Versions: {'; '.join(named)}. Poplar's TLS: {about['tls_library']} ({', '.join(filter(None, about['packages']))})"
               + (f", and where a name ends with `{UPSTREAM}`: {upstream}." if upstream else "."))


def _targets(results: dict):
    yield "## What is to be reached"
    rows = []
    for each in results["targets"]:
        scale = _scale(each)
        best = f"{each['best_peer']}: {_number(each['best'], scale)}" if each["best_peer"] else "—"
        ratio = "" if each["ratio"] is None else f"{each['ratio']:.2f} ×"
        rows.append([each["what"], _unit(each["unit"]), best, _number(each["poplar"], scale), ratio,
                     each["target"], {True: "yes", False: "**no**", None: "not told"}[each["reached"]]])
    yield tables.table(["", "in", "best peer", "Poplar", "ratio", "target", "reached"], rows)


def _scale(each: dict) -> float:
    return 1e6 if each["unit"] == "µs/GB" else 1


def _unit(unit: str) -> str:
    return "s of CPU a GB" if unit == "µs/GB" else unit


def _number(value, scale: float = 1) -> str:
    if value is None:
        return "not measured"
    value /= scale
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def markdown(results: dict, kinds: dict) -> str:
    picture = "![CPU, memory and failures beside the peers'](results.svg)" if chart.draw(results) else ""
    parts = [_HEAD, picture, "\n\n".join(_runs(results)), "\n\n".join(_targets(results))]
    for kind, module in kinds.items():
        if kind not in results:
            continue
        parts.append(f"## {module.TITLE}\n\n{tables.NOTES[kind]}")
        parts += [_part(kind, name, results[kind][name], results) for name in module.PARTS if name in results[kind]]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _part(kind: str, name: str, part: dict, results: dict) -> str:
    lines = [f"### {name[0].upper()}{name[1:]}"]
    if len(results["runs"]) > 1:
        lines.append(f"Run of {part['run']}.")
    lines += tables.OF[kind](part)
    lines += tables.troubles(part, tables.EXPECTED.get(kind, False))
    return "\n\n".join(line for line in lines if line)
