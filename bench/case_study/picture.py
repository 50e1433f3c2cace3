"""The pictures of the case study. A proxy has one colour, a stage one stroke."""

import math
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "compare"))

import svg  # noqa: E402
from model import AFTER, ALL, BEFORE  # noqa: E402

_DASHES = {BEFORE.name: "2 4", AFTER.name: "8 4", ALL.name: ""}


class _Panel:
    """Shares of messages (upwards) that have come within a time (to the right, logarithmic)."""

    WIDTH, HEIGHT = 330, 300
    _FIRST, _LAST = 0.05, 60.0
    _TICKS = ((0.1, "0.1 s"), (0.3, "0.3"), (1, "1"), (3, "3"), (10, "10"), (30, "30 s"))

    def __init__(self, left: float, top: float):
        self.left, self.top = left, top

    def x(self, seconds: float) -> float:
        seconds = min(max(seconds, self._FIRST), self._LAST)
        return self.left + self.WIDTH * math.log(seconds / self._FIRST) / math.log(self._LAST / self._FIRST)

    def y(self, share: float) -> float:
        return self.top + self.HEIGHT * (1 - share)

    def frame(self, title: str):
        yield svg.text(self.left, self.top - 14, title, "title")
        for percent in (0, 25, 50, 75, 100):
            y = self.y(percent / 100)
            yield svg.rule(self.left, y, self.left + self.WIDTH, y)
            yield svg.text(self.left - 8, y + 4, f"{percent} %", "muted", "end")
        for seconds, words in self._TICKS:
            yield svg.rule(self.x(seconds), self.top, self.x(seconds), self.top + self.HEIGHT)
            yield svg.text(self.x(seconds), self.top + self.HEIGHT + 20, words, "muted", "middle")
        yield svg.text(self.left + self.WIDTH / 2, self.top + self.HEIGHT + 42, "time that a message takes", "muted", "middle")

    def line(self, result) -> str:
        """Of all messages that were wanted: those of failed sessions never come."""
        wanted = len(result.seconds) + result.lost
        step = max(1, wanted // 400)
        chosen = [i for i in range(0, len(result.seconds), step) if result.seconds[i] > self._FIRST]
        chosen.append(len(result.seconds) - 1)
        points = " ".join(f"{self.x(result.seconds[i]):.1f},{self.y((i + 1) / wanted):.1f}" for i in chosen)
        return f'<polyline points="{points}" class="line {result.proxy}" stroke-dasharray="{_DASHES[result.stage]}"/>'


def _legend(left: float, top: float, results):
    for row, each in enumerate(results):
        y = top + 20 * row
        yield (f'<line x1="{left}" y1="{y}" x2="{left + 34}" y2="{y}" class="line {each.proxy}" '
               f'stroke-dasharray="{_DASHES[each.stage]}"/>')
        yield svg.text(left + 42, y + 4, f"{each.title}, {each.stage}: {each.mean:.2f} s on average")


def draw_latencies(results) -> str:
    """Left what became of the firm's service, right what came of it with each proxy."""
    chosen = (([each for each in results if each.proxy == "poplar" or each.stage == BEFORE.name],
               "Before and after"),
              ([each for each in results if each.stage != BEFORE.name], "After, by proxy"))
    parts = [svg.text(20, 28, "Share of all messages that have come within a time", "title")]
    rows = 0
    for i, (shown, title) in enumerate(chosen):
        panel = _Panel(60 + i * (_Panel.WIDTH + 90), 78)
        parts += panel.frame(title)
        parts += (panel.line(each) for each in shown)
        parts += _legend(panel.left, panel.top + panel.HEIGHT + 72, shown)
        rows = max(rows, len(shown))
    return svg.picture(860, 78 + _Panel.HEIGHT + 72 + 20 * rows, "Latency per message", parts)


def draw_failures(results) -> str:
    top = 78
    parts = [svg.text(20, 28, "What the users notice", "title")]
    for row, each in enumerate(results):
        parts.append(svg.text(245, top + 13 + 28 * row, f"{each.title}, {each.stage}", "", "end"))
    parts += svg.bars(255, top, 170, "Seconds a message, on average",
                      [(each.proxy, each.mean, f"{each.mean:.2f}") for each in results])
    parts += svg.bars(540, top, 170, "Failed sessions",
                      [(each.proxy, each.failed_percent, f"{each.failed_percent:.2f} % ({each.failed} of {each.sessions})")
                       for each in results])
    return svg.picture(860, top + 28 * len(results) + 20, "Seconds a message and failed sessions", parts)
