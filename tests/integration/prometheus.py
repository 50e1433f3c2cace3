"""A real Prometheus (package prometheus) that scrapes one Poplar each second or so, with what deploy/ has for it."""

import datetime
import json
import pathlib
import urllib.error
import urllib.parse
import urllib.request

import yaml

from child import Child
from poplar import ROOT
from ports import free_port

DEPLOYED = ROOT / "deploy" / "prometheus"


class Refused(AssertionError):
    """What Prometheus has to say against a query."""


class Prometheus:
    """`folder` gets its database. `target` is Poplar's admin endpoint, asked each `interval`."""

    def __init__(self, folder: pathlib.Path, target: str, interval: str = "1s"):
        folder.mkdir()
        self.port = free_port()
        settings = yaml.safe_load((DEPLOYED / "prometheus.yaml").read_text())
        settings["global"] = {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval}
        settings["rule_files"] = [str(DEPLOYED / name) for name in settings["rule_files"]]
        job, = settings["scrape_configs"]
        job["static_configs"] = [{"targets": [target]}]
        (folder / "prometheus.yaml").write_text(json.dumps(settings))
        self._child = Child(["/usr/bin/prometheus", f"--config.file={folder / 'prometheus.yaml'}", "--log.level=warn",
                             f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{self.port}"],
                            folder / "output.log")
        self._child.wait_for(self._ready, "Prometheus to be ready")

    def _ready(self) -> bool:
        try:
            return bool(self.query("1"))
        except (OSError, Refused):
            return False

    def _get(self, path: str, **fields):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(fields)}"
        try:
            with urllib.request.urlopen(url, timeout=20) as got:
                return json.load(got)["data"]
        except urllib.error.HTTPError as error:
            raise Refused(f"{error.code} {error.read().decode()[:500]}: {fields}") from None

    def query(self, expression: str, when: float = None):
        """[(labels, value)], at `when` (seconds since the epoch) or now. A single number has no labels."""
        got = self._get("query", query=expression, **({"time": when} if when else {}))
        if got["resultType"] == "scalar":
            return [({}, float(got["result"][1]))]
        assert got["resultType"] == "vector", f"{expression} is a {got['resultType']}"
        return [(each["metric"], float(each["value"][1])) for each in got["result"]]

    def answers(self, kind: str, expression: str, **moments):
        """What /api/v1/query or /api/v1/query_range says, as it says it: a list of {metric, value or values}."""
        return self._get(kind, query=expression, **moments)["result"]

    def value(self, expression: str, when: float = None) -> float:
        """Of the only series."""
        found = self.query(expression, when)
        assert len(found) == 1, f"{expression}: {found}"
        return found[0][1]

    def rules(self, kind: str):
        """Those of the kind (alerting, recording), as Prometheus has them."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"] if rule["type"] == kind]

    def evaluated(self, since: float) -> bool:
        """Whether each group of rules has been evaluated after this moment."""
        return all(datetime.datetime.fromisoformat(group["lastEvaluation"]).timestamp() > since
                   for group in self._get("rules")["groups"])

    def alerts(self):
        """{(name, severity, window or "")} of those that are pending or firing."""
        return {(each["labels"]["alertname"], each["labels"]["severity"], each["labels"].get("window", ""))
                for each in self._get("alerts")["alerts"]}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.stop()
