#!/usr/bin/python3
"""Writes seccompprofile.yaml, the same profile for the security profiles operator, from poplar.json."""

import json
import pathlib
import textwrap

HERE = pathlib.Path(__file__).resolve().parent
_HEAD = """\
# The profile of poplar.json for the security profiles operator; written by build.py: change that one. It allows clone3
# as it is, since the operator can't say with which error a call shall fail.
apiVersion: security-profiles-operator.x-k8s.io/v1beta1
kind: SeccompProfile
metadata:
  name: poplar
spec:
"""


def _rule(rule) -> str:
    lines = [f"    # {rule['comment']}"] if rule["action"] == "SCMP_ACT_ALLOW" else []
    lines += ["    - action: SCMP_ACT_ALLOW", "      names:"]
    lines += textwrap.wrap(", ".join(rule["names"]), 110, initial_indent=" " * 8 + "[", subsequent_indent=" " * 8)
    lines[-1] += "]"
    if "args" in rule:
        lines.append(f"      args: {json.dumps(rule['args'])}")
    return "\n".join(lines)


def manifest(profile) -> str:
    architectures = ", ".join(profile["architectures"])
    rules = "\n".join(map(_rule, profile["syscalls"]))
    return f"{_HEAD}  defaultAction: {profile['defaultAction']}\n  architectures: [{architectures}]\n  syscalls:\n{rules}\n"


if __name__ == "__main__":
    (HERE / "seccompprofile.yaml").write_text(manifest(json.loads((HERE / "poplar.json").read_text())))
