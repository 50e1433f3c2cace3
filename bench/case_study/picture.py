"""The pictures of the case study, as SVG that is legible on light and on dark pages. A proxy has one colour, a stage one stroke."""

import html
import math

from model import AFTER, ALL, BEFORE

_COLORS = {"poplar": ("#2a78d6", "#4f9bf0"), "haproxy": ("#d9572b", "#ea7a4f"), "nginx-mail": ("#12835a", "#35b583"),
           "dovecot-proxy": ("#6a4fc4", "#a795f2"), "perdition": ("#a87400", "#d9a520")}   # light, dark
_DASHES = {BEFORE.name: "2 4", AFTER.name: "8 4", ALL.name: ""}
_INK, _MUTED, _GRID = ("#1f2328", "#e6edf3"), ("#59636e", "#9198a1"), ("#d1d9e0", "#3d444d")


def _style() -> str:
    def rules(dark: int) -> str:
        lines = [f"text{{fill:{_INK[dark]}}} .muted{{fill:{_MUTED[dark]}}}", f".grid{{stroke:{_GRID[dark]}}}"]
        for name, colors in _COLORS.items():
            lines.append(f".line.{name}{{stroke:{colors[dark]}}} .bar.{name}{{fill:{colors[dark]}}}")
        return " ".join(lines)
    return (f"<style>text{{font:13px system-ui,sans-serif}} .title{{font-weight:600;font-size:15px}} "
            f".line{{fill:none;stroke-width:2;stroke-linejoin:round}} {rules(0)} "
            f"@media (prefers-color-scheme: dark){{{rules(1)}}}</style>")


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{html.escape(words)}</text>'


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="grid"/>'


def _svg(width: int, height: int, title: str, parts) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="{html.escape(title)}">{_style()}{"".join(parts)}</svg>\n')


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
        yield _text(self.left, self.top - 14, title, "title")
        for percent in (0, 25, 50, 75, 100):
            y = self.y(percent / 100)
            yield _rule(self.left, y, self.left + self.WIDTH, y)
            yield _text(self.left - 8, y + 4, f"{percent} %", "muted", "end")
        for seconds, words in self._TICKS:
            yield _rule(self.x(seconds), self.top, self.x(seconds), self.top + self.HEIGHT)
            yield _text(self.x(seconds), self.top + self.HEIGHT + 20, words, "muted", "middle")
        yield _text(self.left + self.WIDTH / 2, self.top + self.HEIGHT + 42, "time that a message takes", "muted", "middle")

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
        yield _text(left + 42, y + 4, f"{each.title}, {each.stage}: {each.mean:.2f} s on average")


def draw_latencies(results) -> str:
    """Left what became of the firm's service, right what came of it with each proxy."""
    chosen = (([each for each in results if each.proxy == "poplar" or each.stage == BEFORE.name],
               "Before and after"),
              ([each for each in results if each.stage != BEFORE.name], "After, by proxy"))
    parts = [_text(20, 28, "Share of all messages that have come within a time", "title")]
    rows = 0
    for i, (shown, title) in enumerate(chosen):
        panel = _Panel(60 + i * (_Panel.WIDTH + 90), 78)
        parts += panel.frame(title)
        parts += (panel.line(each) for each in shown)
        parts += _legend(panel.left, panel.top + panel.HEIGHT + 72, shown)
        rows = max(rows, len(shown))
    return _svg(860, 78 + _Panel.HEIGHT + 72 + 20 * rows, "Latency per message", parts)


def _bars(results, left: float, top: float, title: str, value, words):
    """One bar a result, with what it says behind it."""
    width, most = 170, max(map(value, results)) or 1
    yield _text(left, top - 12, title, "title")
    for row, each in enumerate(results):
        y, length = top + 28 * row, width * value(each) / most
        yield f'<rect x="{left}" y="{y}" width="{length:.1f}" height="16" rx="3" class="bar {each.proxy}"/>'
        yield _text(left + length + 6, y + 13, words(each))


def draw_failures(results) -> str:
    top = 78
    parts = [_text(20, 28, "What the users notice", "title")]
    for row, each in enumerate(results):
        parts.append(_text(245, top + 13 + 28 * row, f"{each.title}, {each.stage}", "", "end"))
    parts += _bars(results, 255, top, "Seconds a message, on average", lambda each: each.mean,
                   lambda each: f"{each.mean:.2f}")
    parts += _bars(results, 540, top, "Failed sessions", lambda each: each.failed_percent,
                   lambda each: f"{each.failed_percent:.2f} % ({each.failed} of {each.sessions})")
    return _svg(860, top + 28 * len(results) + 20, "Seconds a message and failed sessions", parts)
