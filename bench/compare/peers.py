"""The proxies that are compared, each configured at its best for one core: TLS 1.3 to clients, plain POP3 to the nodes."""

import os
import pathlib
import resource
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from child import Child  # noqa: E402
from ports import free_port  # noqa: E402
from wire import Pop3, tls_context  # noqa: E402

from place import Group, on_core  # noqa: E402

PEERS = ROOT / "build" / "peers"
BUILD = ROOT / "build" / "release"
UPSTREAM_BUILD = ROOT / "build" / "upstream"   # of the same source, with upstream's BoringSSL
UPSTREAM = "-upstream"                         # ends the name of what comes out of it


def _unpacked(program: str, *packages):
    """(where it is, the environment in which it finds the libraries of these packages)"""
    folders = [str(PEERS / package / folder) for package in packages
               for folder in ("usr/lib", "usr/lib/x86_64-linux-gnu")]
    return PEERS / program, {"LD_LIBRARY_PATH": ":".join(folders)} if folders else {}


POPLAR = BUILD / "poplar", {}
NGINX = _unpacked("nginx/usr/sbin/nginx")
HAPROXY = _unpacked("haproxy/usr/sbin/haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1")
HITCH = _unpacked("hitch/usr/sbin/hitch", "libev4")
PERDITION = _unpacked("perdition/usr/sbin/perdition", "perdition", "libvanessa-adt1", "libvanessa-logger0",
                      "libvanessa-socket2", "libpopt0")
DOVECOT = "/usr/sbin/dovecot", {}


class Stand:
    """What all of them stand between: nodes' ports, a certificate, and the core that is theirs (or cores), if one is."""

    def __init__(self, folder: pathlib.Path, nodes, certificate: pathlib.Path, key: pathlib.Path, core=None,
                 auth_port: int = 0):
        self.folder, self.nodes, self.certificate, self.key = folder, nodes, certificate, key
        self.core, self.auth_port = core, auth_port


class Peer:
    """A proxy that runs, at `port`. Its CPU time and memory are its `group`'s, where it has a core of its own."""

    name = ""
    tls = True          # to its clients
    sees_users = True   # whether it can choose a node by the user
    descriptors = 0     # that each of its processes may have; 0: as many as we
    build = BUILD       # of ours

    def __init__(self, stand: Stand):
        self.stand = stand
        self.folder = stand.folder / f"{self.name}-{time.monotonic_ns()}"
        self.folder.mkdir(mode=0o755)
        self.port = free_port()
        self.group = Group(self.name) if stand.core is not None else None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self._remove_group()
            raise
        return self

    def start(self):
        self._child = self.run(self.folder)
        self._child.wait_for(self._greets, f"{self.name} to greet")

    def run(self, folder: pathlib.Path) -> Child:
        arguments, environment = self.command()
        return Child(arguments, folder / "output.log", environment, preexec=self._settle)

    def _settle(self):
        if self.group:
            on_core(self.stand.core, self.group)()
        if self.descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))

    def stop(self):
        self._child.stop()

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            self._remove_group()

    def _remove_group(self):
        if self.group:
            self.group.end()

    def _greets(self) -> bool:
        try:
            with Pop3.connect(self.port, tls_context() if self.tls else None) as session:
                return session.greeting.startswith(b"+OK")
        except (OSError, EOFError):
            return False

    def write(self, name: str, text: str) -> pathlib.Path:
        file = self.folder / name
        file.write_text(text)
        return file

    def both(self) -> pathlib.Path:
        return self.write("both.pem", self.stand.certificate.read_text() + self.stand.key.read_text())

    def command(self):
        """(arguments, environment)"""
        raise NotImplementedError


class Poplar(Peer):
    name = "poplar"
    workers = 1
    listener = ""  # more of its listener's settings,
    cluster = ""   # of its cluster's,
    more = ""      # and of the others

    def command(self):
        nodes = "\n".join(f"      - {{name: node-{i}, address: \"{address}\"}}"
                          for i, address in enumerate(self.addresses()))
        file = self.write("poplar.yaml", f"""
workers: {self.workers}
listeners: [{{name: pop3s, address: "127.0.0.1:{self.port}"{self.listener}}}]
tls: {{min_version: "1.3", certificates: [{{certificate: {self.stand.certificate}, key: {self.stand.key}}}]}}
clusters:
  - name: mail
    shared_storage: yes{self.cluster}
    nodes:
{nodes}
admission: {{connections_per_address: 1000000, unauthenticated: 1000000, unauthenticated_per_address: 1000000}}
admin: {{address: "127.0.0.1:{free_port()}"}}
log: {{output: {self.folder}/poplar.log, level: info}}
{self.more}
""")
        return [self.build / "poplar", "serve", "-c", file], {}

    def addresses(self):
        """Of the nodes."""
        return [f"127.0.0.1:{port}" for port in self.stand.nodes]


class PoplarUnparked(Poplar):
    """Each login is one at the node, as with all the others."""

    name = "poplar-unparked"
    more = "pool: {max_snapshot_age: 0s}\n"


class Floor(Peer):
    name = "floor"
    sees_users = False
    more = ()      # of its options

    def command(self):
        return [self.build / "bench" / "floor" / "poplar_floor", "--port", self.port, "--node", self.stand.nodes[0],
                "--certificate", self.stand.certificate, "--key", self.stand.key, *self.more], {}


class FloorParked(Floor):
    """The least for a session that a connection serves which is logged in at the node from before."""

    name = "floor-parked"
    more = ("--parked",)


_NGINX = """
{modules}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
worker_processes 1;
events {{ worker_connections 18000; }}
"""

_NGINX_MAIL = """
mail {{
  auth_http 127.0.0.1:{auth}/;
  pop3_auth plain;
  pop3_capabilities TOP USER UIDL;
  proxy_pass_error_message on;
  ssl_protocols TLSv1.3;
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  ssl_session_tickets on;
  server {{ listen 127.0.0.1:{port} ssl backlog=4096; protocol pop3; }}
}}
"""

_NGINX_STREAM = """
stream {{
  ssl_protocols TLSv1.3;
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  ssl_session_tickets on;
  tcp_nodelay on;
  upstream nodes {{ {servers} }}
  server {{ listen 127.0.0.1:{port} ssl backlog=4096; proxy_pass nodes; }}
}}
"""


class _Nginx(Peer):
    module = section = ""

    def command(self):
        stand = self.stand
        module = PEERS / f"libnginx-mod-{self.module}/usr/lib/nginx/modules/ngx_{self.module}_module.so"
        text = _NGINX.format(modules=f"load_module {module};", folder=self.folder)
        servers = " ".join(f"server 127.0.0.1:{port};" for port in stand.nodes)
        text += self.section.format(auth=stand.auth_port, certificate=stand.certificate, key=stand.key,
                                    port=self.port, servers=servers)
        os.chmod(self.folder, 0o777)
        program, environment = NGINX
        return [program, "-p", self.folder, "-e", "stderr", "-c", self.write("nginx.conf", text)], environment


class NginxMail(_Nginx):
    name, module, section = "nginx-mail", "mail", _NGINX_MAIL


class NginxStream(_Nginx):
    name, module, section, sees_users = "nginx-stream", "stream", _NGINX_STREAM, False


class HaProxy(Peer):
    name = "haproxy"
    sees_users = False
    timeouts = "timeout connect 5s\n  timeout client 10m\n  timeout server 10m"
    backend = "balance roundrobin"
    server = ""     # more of each server's settings

    def command(self):
        servers = "\n".join(f"  server node-{i} 127.0.0.1:{port} {self.server}"
                            for i, port in enumerate(self.stand.nodes))
        bind = f"ssl crt {self.both()} " if self.tls else ""
        file = self.write("haproxy.cfg", f"""
global
  nbthread 1
  maxconn 9000
  tune.ssl.default-dh-param 2048
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  mode tcp
  {self.timeouts}
frontend pop3s
  bind 127.0.0.1:{self.port} {bind}backlog 4096
  default_backend nodes
backend nodes
  {self.backend}
{servers}
""")
        program, environment = HAPROXY
        return [program, "-db", "-f", file], environment


class Hitch(Peer):
    name = "hitch"
    sees_users = False

    def command(self):
        file = self.write("hitch.conf", f"""
frontend = "[127.0.0.1]:{self.port}"
backend = "[127.0.0.1]:{self.stand.nodes[0]}"
pem-file = "{self.both()}"
workers = 1
backlog = 4096
tls-protos = TLSv1.3
daemon = off
user = "nobody"
group = "nogroup"
syslog = off
""")
        program, environment = HITCH
        return [program, f"--config={file}"], environment


class Perdition(Peer):
    name = "perdition"
    descriptors = 256   # a session's process begins by closing all that there might be
    more = ""      # of the configuration

    def command(self):
        stand = self.stand
        os.chmod(stand.key, 0o644)  # a throw-away one, read by nobody's process
        file = self.write("perdition.conf", f"""
protocol POP3S
bind_address 127.0.0.1
listen_port {self.port}
ssl_mode ssl_listen
ssl_cert_file {stand.certificate}
ssl_key_file {stand.key}
ssl_listen_min_proto_version "tlsv1.2"
map_library ""
outgoing_server {self.servers()}
username nobody
group nogroup
no_daemon
no_lookup
quiet
pid_file ""
{self.more}
""")
        program, environment = PERDITION
        return [program, "-f", file], environment

    def servers(self) -> str:
        return f"127.0.0.1:{self.stand.nodes[0]}"


class DovecotProxy(Peer):
    name = "dovecot-proxy"
    more = ""      # of the configuration

    def command(self):
        stand = self.stand
        run = pathlib.Path("/tmp") / f"poplar-bench-{os.getpid()}-{self.port}"
        run.mkdir()
        (self.folder / "state").mkdir()
        file = self.write("dovecot.conf", f"""
base_dir = {run}
state_dir = {self.folder}/state
instance_name = bench-{self.port}
log_path = {self.folder}/dovecot.log
protocols = pop3
listen = 127.0.0.1
ssl = required
ssl_cert = <{stand.certificate}
ssl_key = <{stand.key}
ssl_min_protocol = TLSv1.3
auth_mechanisms = plain
auth_cache_size = 10M
{self.passdb()}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
default_client_limit = 18000
service pop3-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  process_limit = 1
  client_limit = 9000
  inet_listener pop3 {{
    port = 0
  }}
  inet_listener pop3s {{
    port = {self.port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
{self.more}
""")
        program, environment = DOVECOT
        return [program, "-F", "-c", file], environment

    def passdb(self) -> str:
        """Where users are."""
        return f"""passdb {{
  driver = static
  args = proxy=y nopassword=y host=127.0.0.1 port={self.stand.nodes[0]}
}}"""


def _with_upstream(front):
    return type(f"{front.__name__}Upstream", (front,), {"name": front.name + UPSTREAM, "build": UPSTREAM_BUILD})


_OURS = (Poplar, PoplarUnparked, Floor, FloorParked)
ALL = {each.name: each for each in (*_OURS, *map(_with_upstream, _OURS), NginxMail, HaProxy, DovecotProxy, Perdition,
                                    Hitch, NginxStream)}
