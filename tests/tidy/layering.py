"""The arrows between folders, and which few files may know a foreign library."""

import re

from source import CODE, Finding, Tree

# Who may include whom, besides itself. `proxy` itself is main.cc. The order is the one of the arrows:
# cli -> server -> session -> upstream -> {tls, pop3} -> io, and pop3 includes nothing of ours.
ARROWS = {
    "balancer": set(),
    "metrics": set(),
    "proxy/io": set(),
    "proxy/pop3": set(),
    "proxy/config": {"balancer"},
    "proxy/proxy_protocol": {"proxy/io"},
    "proxy/admission": {"proxy/io"},
    "proxy/tls": {"proxy/io"},
    "proxy/account_probe": {"proxy/tls", "proxy/pop3", "proxy/io", "metrics"},
    "proxy/trace": {"proxy/pop3", "proxy/io"},
    "proxy/autoconfig": {"proxy/admission", "proxy/tls", "proxy/pop3", "proxy/io", "metrics"},
    "proxy/upstream": {"proxy/trace", "proxy/tls", "proxy/pop3", "proxy/proxy_protocol", "proxy/io", "balancer"},
    "proxy/demo": {"proxy/pop3", "proxy/tls", "proxy/io"},
    "proxy/directory": {"proxy/tls", "proxy/pop3", "proxy/io", "balancer"},
    "proxy/shared_state": {"proxy/admission", "proxy/tls", "proxy/pop3", "proxy/io", "balancer"},
    "proxy/session": {"proxy/upstream", "proxy/directory", "proxy/shared_state", "proxy/admission", "proxy/proxy_protocol", "proxy/trace", "proxy/tls",
                      "proxy/pop3", "proxy/io", "balancer"},
    "proxy/handover": {"proxy/session", "proxy/tls", "proxy/io", "balancer"},
    "proxy/server": {"proxy/session", "proxy/handover", "proxy/autoconfig", "proxy/upstream", "proxy/directory", "proxy/shared_state", "proxy/admission", "proxy/trace", "proxy/tls",
                     "proxy/pop3", "proxy/io", "proxy/config", "balancer", "metrics"},
    "proxy/cli": {"proxy/server", "proxy/handover", "proxy/session", "proxy/autoconfig", "proxy/upstream", "proxy/directory", "proxy/tls", "proxy/pop3",
                  "proxy/io", "proxy/config", "proxy/demo", "proxy/account_probe", "balancer", "metrics"},
    "proxy": {"proxy/cli", "proxy/io", "proxy/config"},
}
_OURS = {arrow.split("/")[0] for arrow in ARROWS} | {"tests", "bench"}

# Header -> the only shipped files that may include it.
CONFINED = {
    r"liburing(/|\.h)": r"(proxy/io/uring_(buffers|proactor|ring)|bench/floor/proxy)\.cc",
    r"openssl/": r"((proxy/tls/\w+|bench/generator/tls_client)\.cc|bench/floor/tls\.(cc|h))",
    r"prometheus/": r"metrics/exporter\.cc",
    r"yaml-cpp/": r"proxy/config/yaml_tree\.cc",
    r"civetweb\.h|CivetServer\.h": r"metrics/admin_(client|server)\.cc",
    r"CLI/": r"proxy/(main|cli/command_line.*)\.(cc|h)",
    r"spdlog/": r"proxy/server/log(_sinks)?\.(cc|h)",
    r"systemd/": r"proxy/server/(journal|systemd)\.cc",
    r"boost/": r"proxy/(autoconfig|directory)/http_\w+\.cc",
    r"ares": r"proxy/io/cares_channel\.cc",
    r"(ldap|lber)\.h|sasl/": r"proxy/directory/ldap_\w+\.cc",
    r"re2/": r"balancer/route_table\.cc",
    r"hiredis/": r"proxy/shared_state/reply\.cc",
    r"yaml\.h|httplib\.h|curl/": r"nobody",
}

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def layer(path: str) -> str:
    """The folder of ARROWS that a path belongs to."""
    parts = path.split("/")
    if parts[0] == "proxy":
        return "/".join(parts[:2]) if len(parts) > 2 else "proxy"
    return parts[0]


def _arrow(path: str, line: int, included: str):
    here, there = layer(path), layer(included)
    if there.split("/")[0] not in _OURS:
        if "/" in included:
            return None  # a library's header in quotes
        return Finding(path, line, f'"{included}": write the path from the root of the repository')
    if here not in ARROWS:
        return Finding(path, line, f"{here} has no place in the layering; give it one in layering.py")
    if there != here and there not in ARROWS[here]:
        return Finding(path, line, f"{here} may not include {there} ({included})")
    return None


def check(tree: Tree):
    findings = []
    for path, text in tree.cpp(*CODE):
        for match in _INCLUDE.finditer(text):
            line, included = text.count("\n", 0, match.start()) + 1, match[1] or match[2]
            if match[1]:
                findings.append(_arrow(path, line, included))
            for header, allowed in CONFINED.items():
                if re.match(header, included) and not re.fullmatch(allowed, path):
                    findings.append(Finding(path, line, f"{included} belongs only in {allowed}"))
    return [finding for finding in findings if finding]
