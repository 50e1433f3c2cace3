"""A dashboard of deploy/grafana as a page, for want of Grafana: dashboard_page/ draws it from its JSON and from what
Prometheus answers to its expressions, and complains about all that it doesn't know how to draw."""

import contextlib
import functools
import http.server
import json
import pathlib
import shutil
import threading

import grafana
from poplar import ROOT
from waiting import until

_PAGE = pathlib.Path(__file__).with_name("dashboard_page")
_UPLOT = ROOT / "metrics" / "status_page" / "third_party" / "uplot"


def story(dashboard, prometheus, begin: float, end: float, step: int, window: int):
    """What the page is made of, from the real Prometheus: `window` seconds stand for $__rate_interval."""
    def ask(target):
        expression = grafana.substituted(target["expr"], f"{window}s")
        if target["instant"]:
            return prometheus.answers("query", expression, time=end)
        return prometheus.answers("query_range", expression, start=begin, end=end, step=step)

    answers = {panel["id"]: {target["refId"]: ask(target) for target in panel["targets"]}
               for panel in grafana.panels(dashboard)}
    marks = [(each["iconColor"], _times(each, ask({**each, "instant": False}), step))
             for each in dashboard["annotations"]["list"]]
    return {"dashboard": dashboard, "range": {"from": begin, "to": end, "step": step}, "answers": answers,
            "annotations": [{"color": color, "times": [time for time in times if time >= begin]}
                            for color, times in marks]}


def _times(annotation, series, step):
    """The moments that it marks: as the values say, or where series begin."""
    if annotation["useValueForTime"]:
        return {float(value) / 1000 for each in series for _, value in each["values"]}
    found = set()
    for each in series:
        times = [time for time, _ in each["values"]]
        found |= {time for before, time in zip([0, *times], times) if time - before > step}
    return found


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json"}

    def log_message(self, *_):
        pass

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")
        super().end_headers()


class Page:
    def __init__(self, folder: pathlib.Path, browser, url: str):
        self._folder, self.browser, self._url = folder, browser, url

    def draw(self, made, width: int = 1440):
        """Shows the story; (what the page doesn't know how to draw, titles of panels that show nothing)."""
        (self._folder / "story.json").write_text(json.dumps(made))
        self.browser.open_tab(f"{self._url}/page.html", width=width)
        until(lambda: self.browser.find("body[data-drawn]") or self.browser.complaints(), "the dashboard to be drawn")
        unknown, empty = self.browser.run("return [window.complaints ?? [], window.empty ?? []]")
        return [*unknown, *self.browser.complaints()], empty


@contextlib.contextmanager
def page(folder: pathlib.Path, browser):
    """The page in this browser; its files lie in the folder, which is made for them."""
    shutil.copytree(_PAGE, folder)
    for name in ("uPlot.iife.min.js", "uPlot.min.css"):
        shutil.copy(_UPLOT / name, folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Page(folder, browser, f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
