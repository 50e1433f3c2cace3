"""Pictures of the dashboards, drawn from a busy Poplar's figures: dashboard_pictures.py [FOLDER]. Takes six minutes.

Needs the test packages and pngquant. It fails where a panel has nothing to show, or something that the page can't draw.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

import grafana
from browser import chromium
from busy_stand import BusyStand
from certificates import Authority
from dashboard_page import page, story
from dashboard_story import DashboardStory
from poplar import BINARY, Poplar
from prometheus import Prometheus

_STEP, _WINDOW = 2, 20  # seconds
_COLOURS = 64
_LINES = 54  # of a dashboard in one picture


def _save(browser, file: pathlib.Path):
    browser.save_picture(file, whole=True)
    subprocess.run(["pngquant", "--force", "--strip", "--output", str(file), str(_COLOURS), str(file)], check=True)
    print(f"{file}: {file.stat().st_size} bytes")


def _parts(dashboard):
    """Its rows, in as many dashboards as it takes for none to be too tall to look at."""
    rows, parts = [], []
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            rows.append([])
        rows[-1].append(panel)
    for row in rows:
        if not parts or _bottom(row) - parts[-1][0]["gridPos"]["y"] > _LINES:
            parts.append([])
        parts[-1] += row
    for part in parts:
        top = part[0]["gridPos"]["y"]
        yield {**dashboard, "panels": [{**panel, "gridPos": {**panel["gridPos"], "y": panel["gridPos"]["y"] - top}}
                                       for panel in part]}


def _bottom(panels) -> int:
    return max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)


def _take(prometheus, begun: float, private: pathlib.Path, folder: pathlib.Path) -> int:
    end, failed = time.time() - 2, 0
    with chromium(private) as browser, page(private / "page", browser) as drawing:
        for name in grafana.NAMES:
            for number, part in enumerate(_parts(grafana.read(name)), 1):
                unknown, empty = drawing.draw(story(part, prometheus, begun, end, _STEP, _WINDOW))
                for complaint in [*unknown, *(f"{title}: nothing to show" for title in empty)]:
                    print(f"{name}: {complaint}", file=sys.stderr)
                    failed = 1
                _save(browser, folder / f"{name.removeprefix('poplar-')}{f'-{number}' if number > 1 else ''}.png")
    return failed


def main(folder: pathlib.Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="poplar-dashboards-") as name:
        os.chmod(name, 0o755)
        private = pathlib.Path(name)
        authority = Authority(private / "ca")
        certificate = authority.issue("node", ["localhost", "127.0.0.1"])

        def start(nodes, **options):
            return Poplar(private / "poplar", nodes, authority, **options)

        with BusyStand(private / "busy", start, authority, certificate, BINARY) as stand, \
                Prometheus(private / "prometheus", f"127.0.0.1:{stand.proxy.admin_port}", "2s") as prometheus:
            begun = DashboardStory(stand).live()
            return _take(prometheus, begun, private, folder)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else grafana.FOLDER / "pictures"))
