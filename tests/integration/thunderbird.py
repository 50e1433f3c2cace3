"""A real Thunderbird without a window, driven by Marionette: JavaScript that runs inside it, with all its privileges."""

import contextlib
import json
import pathlib
import signal
import socket

from child import Child
from ports import free_port

# It must ask nobody but who is tested, and show nobody anything.
_PREFERENCES = {
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.spotlight.firstRunDone": True,
    "mail.winsearch.firstRunDone": True,
    "mailnews.auto_config_url": "http://127.0.0.1:9/",
    "mailnews.auto_config.addons_url": "http://127.0.0.1:9/",
    "mailnews.start_page.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.type": 0,
    "toolkit.telemetry.enabled": False,
}


class ScriptFailed(AssertionError):
    pass


class Thunderbird:
    """One that runs, with a profile of its own. Leaving the block ends it."""

    def __init__(self, folder: pathlib.Path, hosts):
        """`hosts`: names that are at 127.0.0.1 for it."""
        profile = folder / "profile"
        profile.mkdir(parents=True)
        port = free_port()
        preferences = {**_PREFERENCES, "marionette.port": port, "network.dns.localDomains": ",".join(hosts)}
        (profile / "user.js").write_text("".join(
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()))
        self._child = Child(["/usr/lib/thunderbird/thunderbird", "--headless", "--no-remote", "--profile", profile,
                             "--marionette", "--remote-allow-system-access"], folder / "thunderbird.log",
                            {"HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"})
        self._ids = 0
        try:
            self._connection = self._child.wait_for(lambda: self._connect(port), "Marionette", 60)
            self._received = b""
            self._message()  # who it is
            self._ask("WebDriver:NewSession", {"capabilities": {}})
            self._ask("Marionette:SetContext", {"value": "chrome"})
            self._ask("WebDriver:SetTimeouts", {"script": 60_000})
        except BaseException:
            self._child.process.kill()
            self._child.process.wait()
            raise

    @staticmethod
    def _connect(port: int):
        with contextlib.suppress(OSError):
            return socket.create_connection(("127.0.0.1", port), timeout=70)
        return None

    def _message(self):
        """The next one: its length, a colon, JSON."""
        while b":" not in self._received:
            self._receive()
        length, _, self._received = self._received.partition(b":")
        while len(self._received) < int(length):
            self._receive()
        text, self._received = self._received[:int(length)], self._received[int(length):]
        return json.loads(text)

    def _receive(self):
        more = self._connection.recv(65536)
        assert more, f"Thunderbird has left:\n{self._child.text()[-4000:]}"
        self._received += more

    def _ask(self, command: str, arguments):
        self._ids += 1
        text = json.dumps([0, self._ids, command, arguments]).encode()
        self._connection.sendall(b"%d:%s" % (len(text), text))
        _, number, error, result = self._message()
        assert number == self._ids
        if error:
            raise ScriptFailed(f"{error['error']}: {error['message']}\n{error.get('stacktrace', '')}")
        return result

    def run(self, script: str, *arguments):
        """What the script, an async function's body, returns; `arguments` are its own."""
        body = ("const given = [...arguments], done = given.pop();"
                f"(async () => {{ {script} }})().then(value => done({{value}}), error => done({{error: String(error)"
                " + \"\\n\" + (error?.stack ?? \"\")}));")
        result = self._ask("WebDriver:ExecuteAsyncScript", {"script": body, "args": list(arguments), "newSandbox": True,
                                                            "sandbox": "system"})["value"]
        if "error" in result:
            raise ScriptFailed(result["error"])
        return result.get("value")

    def trust(self, ca_file: pathlib.Path):
        """Servers whose certificates this CA has signed."""
        lines = ca_file.read_text().splitlines()
        start, end = lines.index("-----BEGIN CERTIFICATE-----"), lines.index("-----END CERTIFICATE-----")
        self.run("Cc['@mozilla.org/security/x509certdb;1'].getService(Ci.nsIX509CertDB)"
                 ".addCertFromBase64(given[0], 'CTu,CTu,CTu');", "".join(lines[start + 1:end]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()
        self._child.stop(signal.SIGTERM, 30)
