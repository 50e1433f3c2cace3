"""Seccomp filters for a child to come: single system calls refused, or a profile of deploy/seccomp in force."""

import errno
import json
import pathlib

import seccomp

IO_URING = ("io_uring_setup", "io_uring_enter", "io_uring_register")
_COMPARED = {"SCMP_CMP_EQ": seccomp.EQ, "SCMP_CMP_MASKED_EQ": seccomp.MASKED_EQ}


def refusing(code: int, names=IO_URING):
    """To be called in the child: all is allowed but `names`, which fail with `code`."""
    made = seccomp.SyscallFilter(seccomp.ALLOW)
    for name in names:
        made.add_rule(seccomp.ERRNO(code), name)
    return made.load


def profile(file: pathlib.Path, without=(), strict=False):
    """Likewise: the profile is in force, as Docker and runc read it, but for `without`, which is taken out of it.
    `strict`: what it doesn't name kills, so that nothing that it lacks goes unnoticed."""
    content = json.loads(file.read_text())
    assert content["defaultAction"] == "SCMP_ACT_ERRNO"
    made = seccomp.SyscallFilter(seccomp.KILL_PROCESS if strict else seccomp.ERRNO(errno.EPERM))
    for rule in content["syscalls"]:
        action = {"SCMP_ACT_ALLOW": seccomp.ALLOW, "SCMP_ACT_ERRNO": seccomp.ERRNO(rule.get("errnoRet", errno.EPERM))}
        arguments = [seccomp.Arg(each["index"], _COMPARED[each["op"]], each["value"], each.get("valueTwo", 0))
                     for each in rule.get("args", ())]
        for name in rule["names"]:
            # A negative number: this machine has no such call.
            if name not in without and seccomp.resolve_syscall(seccomp.Arch(), name) >= 0:
                made.add_rule(action[rule["action"]], name, *arguments)
    return made.load
