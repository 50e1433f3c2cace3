"""The proxies of the case study, each set up as the firm's stages are, as far as it can be. `cannot`: what it can't."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "compare"))

import peers  # noqa: E402
from model import AFTER, ALL, BEFORE  # noqa: E402


class _Poplar(peers.Poplar):
    """As the firm's proxy was: a limit, timeouts, and nothing else of what Poplar has."""

    cannot = ""

    def command(self):
        stage = self.stage
        self.tls = stage.tls
        self.listener = "" if stage.tls else ", tls: stls, require_tls: no"
        self.more = f"""
pool: {{size: {stage.connections}, warm: 0, parked: 0, max_snapshot_age: 0s, wait_timeout: {stage.queue}s}}
timeouts: {{upstream_connect: {stage.timeout}s, upstream_response: {stage.timeout}s}}
resume: off
health: {{probe: off, consecutive_failures: 0, failure_percent: 0}}
"""
        return super().command()


class PoplarBefore(_Poplar):
    stage = BEFORE


class PoplarAfter(_Poplar):
    stage = AFTER


class PoplarAll(peers.Poplar):
    """Any of these nodes serves anybody; a session whose node is found to be silent goes on at another."""

    stage, cannot = ALL, ""
    cluster = "\n    affinity: none"
    more = f"""
pool: {{size: {ALL.connections}, wait_timeout: {ALL.queue}s}}
timeouts: {{upstream_connect: {ALL.timeout}s, upstream_response: {ALL.timeout}s}}
health: {{interval: 200ms, fast_interval: 200ms, timeout: 300ms, fall: 1, rise: 1, slow_start: 0s}}
"""


class _HaProxy(peers.HaProxy):
    cannot = "STLS"

    def command(self):
        stage = self.stage
        self.tls = stage.tls
        self.timeouts = (f"timeout connect {stage.timeout}s\n  timeout client 10m\n  timeout server {stage.timeout}s\n"
                         f"  timeout queue {stage.queue}s")
        self.server += f"maxconn {stage.connections}"
        return super().command()


class HaProxyBefore(_HaProxy):
    stage = BEFORE


class HaProxyAfter(_HaProxy):
    stage = AFTER


class HaProxyAll(_HaProxy):
    """Probes by POP3, and the node with the fewest connections."""

    stage = ALL
    backend = "balance leastconn\n  option redispatch\n  option tcp-check\n  tcp-check expect rstring ^\\+OK\n" \
        "  tcp-check send QUIT\\r\\n\n  timeout check 300ms"
    server = "check inter 200ms rise 1 fall 1 "


class NginxMail(peers.NginxMail):
    """It is its own service for `auth_http`, which spreads the users over the nodes."""

    stage = AFTER
    cannot = "limit connections to a node"
    section = peers.NginxMail.section.replace("mail {{", f"mail {{{{\n  timeout {AFTER.timeout}s;\n"
                                              f"  proxy_timeout {AFTER.timeout}s;") + """
http {{
  access_log off;
  split_clients $http_auth_user $node {{ {shares} }}
  server {{
    listen 127.0.0.1:{auth};
    location / {{
      add_header Auth-Status OK always;
      add_header Auth-Server 127.0.0.1 always;
      add_header Auth-Port $node always;
      return 200;
    }}
  }}
}}
"""

    def __init__(self, stand):
        stand.auth_port = peers.free_port()
        *others, last = stand.nodes
        shares = "".join(f"{100 / len(stand.nodes):.1f}% {port}; " for port in others) + f"* {last};"
        self.section = self.section.replace("{shares}", shares)
        super().__init__(stand)


class DovecotProxy(peers.DovecotProxy):
    """A file says where each user is."""

    stage = AFTER
    cannot = "limit connections to a node; a timeout after the login"
    more = f"login_proxy_timeout = {AFTER.timeout} secs\n"

    def passdb(self):
        nodes = self.stand.nodes
        users = self.write("users", "".join(
            f"user{i:05}@example.com:::::::nopassword=y proxy=y host=127.0.0.1 port={nodes[i % len(nodes)]} "
            f"proxy_timeout={AFTER.timeout}\n" for i in range(self.stand.users)))
        users.chmod(0o644)
        return f"passdb {{\n  driver = passwd-file\n  args = username_format=%u {users}\n}}"


class Perdition(peers.Perdition):
    """Without its connection_limit, of all nodes together: after some hundreds of sessions it counts more
    than there are, and lets nobody in any more."""

    stage = AFTER
    cannot = "limit connections to a node"
    more = f"timeout {AFTER.timeout}\nauthenticate_timeout {AFTER.timeout}\n"

    def servers(self):
        return ",".join(f"127.0.0.1:{port}" for port in self.stand.nodes)


FRONTS = (PoplarBefore, HaProxyBefore, PoplarAfter, HaProxyAfter, NginxMail, DovecotProxy, Perdition, HaProxyAll,
          PoplarAll)
