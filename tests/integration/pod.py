"""A pod as the kubelet starts it, as far as one machine goes: its mounts where its manifest has them, written as the kubelet
writes them, a root that can't be written to, its user and groups, no capabilities, itself process 1, its probes.

Not there: the cgroup's limits, the seccomp profile and a network of its own (see private_network.py). Needs root, and the
commands unshare, nsenter and setpriv (package util-linux).
"""

import os
import pathlib
import re
import signal
import urllib.error
import urllib.request

from child import Child
from kubernetes import mebibytes
from waiting import until

_ETC = {"nsswitch.conf": "hosts: files dns\n", "hosts": "127.0.0.1 localhost\n"}


class Volume:
    """A ConfigMap or Secret in a folder, the files as symlinks through ..data, which an update swaps."""

    def __init__(self, folder: pathlib.Path, files, mode: int, group: int):
        self.folder, self._mode, self._group = folder, mode, group
        folder.mkdir(parents=True)
        self._number = 0
        self.update(files)

    def update(self, files):
        self._number += 1
        made = self.folder / f"..2026_{self._number}"
        made.mkdir()
        for name, content in files.items():
            (made / name).write_bytes(content)
            os.chown(made / name, 0, self._group)
            os.chmod(made / name, self._mode)
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        (self.folder / "..data_tmp").symlink_to(made.name)
        os.rename(self.folder / "..data_tmp", self.folder / "..data")


class Pod:
    def __init__(self, folder: pathlib.Path, template, binary: pathlib.Path, provided, address: str = "127.0.0.1",
                 resolver: str = ""):
        """`provided`: (kind, name) -> file name -> bytes, of ConfigMaps and Secrets. `resolver`: its /etc/resolv.conf."""
        self.address = address
        self._spec = template["spec"]
        self._container, = self._spec["containers"]
        self._root = folder / "root"
        for name in ("usr", "proc", "dev", "etc/ssl"):
            (self._root / name).mkdir(parents=True)
        for name in ("lib", "lib64", "bin"):
            (self._root / name).symlink_to(f"usr/{name}")
        for name, text in {**_ETC, "resolv.conf": resolver}.items():
            (self._root / "etc" / name).write_text(text)
        for name in ("poplar", "dev/null", "dev/urandom"):
            (self._root / name).touch()
        script = self._mounts(folder, binary, provided)
        environment = {each["name"]: address for each in self._container.get("env", [])
                       if each["valueFrom"]["fieldRef"]["fieldPath"] == "status.podIP"}
        arguments = [re.sub(r"\$\((\w+)\)", lambda found: environment[found[1]], each) for each in self._container["args"]]
        self.child = Child(
            ["unshare", "--mount", "--propagation", "private", "--pid", "--ipc", "--fork", "--kill-child",
             "sh", "-ec", f"{script}\nexec chroot {self._root} \"$@\"", "sh", *self._as_user(), *arguments],
            folder / "output.log")
        self._first = until(self._first_process, "the container to be there")

    def _mounts(self, folder, binary, provided) -> str:
        lines = [f"mount --bind {self._root} {self._root}", f"mount --bind {binary.resolve()} {self._root}/poplar",
                 f"mount -t proc none {self._root}/proc"]
        lines += [f"mount --bind /{name} {self._root}/{name}" for name in ("usr", "etc/ssl", "dev/null", "dev/urandom")]
        paths = {each["name"]: each for each in self._container.get("volumeMounts", [])}
        self.volumes = {}
        for volume in self._spec.get("volumes", []):
            path = f"{self._root}{paths[volume['name']]['mountPath']}"
            os.makedirs(path)
            if "emptyDir" in volume:
                size = int(mebibytes(volume["emptyDir"]["sizeLimit"]))
                lines.append(f"mount -t tmpfs -o size={size}m,mode=2777,gid={self._group()} none {path}")
                continue
            kind = "ConfigMap" if "configMap" in volume else "Secret"
            source = volume.get("configMap") or volume["secret"]
            files = provided[kind, source.get("name") or source["secretName"]]
            made = Volume(folder / "volumes" / volume["name"], files, source.get("defaultMode", 0o644), self._group())
            self.volumes[volume["name"]] = made
            lines += [f"mount --bind {made.folder} {path}", f"mount -o remount,bind,ro {path}"]
        if self._container["securityContext"].get("readOnlyRootFilesystem"):
            lines.append(f"mount -o remount,bind,ro {self._root}")
        return "\n".join(lines)

    def _group(self) -> int:
        return self._spec["securityContext"].get("fsGroup", 0)

    def _as_user(self):
        context = {**self._spec["securityContext"], **self._container["securityContext"]}
        groups = [f"--groups={self._group()}"] if self._group() else ["--clear-groups"]
        privileges = [] if context["allowPrivilegeEscalation"] else ["--no-new-privs"]
        assert context["capabilities"] == {"drop": ["ALL"]}, "what is to be kept isn't known here"
        return ["/usr/bin/setpriv", f"--reuid={context['runAsUser']}", f"--regid={context['runAsGroup']}", *groups,
                "--inh-caps=-all", "--bounding-set=-all", *privileges, "/poplar"]

    def _first_process(self):
        """What the container's process 1 is outside, once it is the program itself."""
        assert self.child.alive(), f"the container ended:\n{self.child.text()}"
        children = pathlib.Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split()
        if children and pathlib.Path(f"/proc/{children[0]}/comm").read_text().strip() == "poplar":
            return int(children[0])
        return None

    # --- the kubelet

    def get(self, port: int, path: str, token: str = ""):
        """(status, body); status 0 where nobody answers."""
        request = urllib.request.Request(f"http://{self.address}:{port}{path}",
                                         headers={"Authorization": f"Bearer {token}"} if token else {})
        try:
            with urllib.request.urlopen(request, timeout=10) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def port(self, name: str) -> int:
        return next(each["containerPort"] for each in self._container["ports"] if each["name"] == name)

    def probe(self, name: str) -> bool:
        asked = self._container[name]["httpGet"]
        return 200 <= self.get(self.port(asked["port"]), asked["path"])[0] < 400

    def wait_until(self, probe: str):
        self.child.wait_for(lambda: self.probe(probe), f"{probe} to succeed")

    def execute(self, *command):
        """As `kubectl exec` does it; the arguments of a Child."""
        return ["nsenter", f"--target={self._first}", "--mount", "--pid", "--ipc", "--root", "--wd", *self._as_user(), *command]

    def facts(self):
        """What the kernel says of process 1: /proc/PID/status."""
        text = pathlib.Path(f"/proc/{self._first}/status").read_text()
        return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)

    def terminate(self):
        """What comes behind the preStop."""
        os.kill(self._first, signal.SIGTERM)

    def exit_code(self, seconds: float) -> int:
        return self.child.process.wait(seconds)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.child.alive():
            os.kill(self._first, signal.SIGKILL)
            self.child.process.wait()
        if kind is not None:
            print(f"--- the pod's output\n{self.child.text()[-6000:]}")
