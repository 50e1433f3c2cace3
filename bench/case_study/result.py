"""What came of one proxy in one stage."""

import dataclasses
import statistics

_TITLES = {"poplar": "Poplar", "haproxy": "HAProxy", "nginx-mail": "nginx mail", "dovecot-proxy": "Dovecot proxy",
           "perdition": "Perdition"}


@dataclasses.dataclass
class Result:
    proxy: str
    stage: str
    cannot: str           # of what the stage asks for
    sessions: int
    failed: int
    failed_at: dict       # how many at which step
    seconds: list         # that each message took which came, in order of size
    lost: int             # messages that failed sessions were to fetch

    @property
    def title(self) -> str:
        return _TITLES[self.proxy]

    @property
    def failed_percent(self) -> float:
        return 100 * self.failed / self.sessions

    @property
    def mean(self) -> float:
        return statistics.fmean(self.seconds)

    def quantile(self, fraction: float) -> float:
        return self.seconds[min(len(self.seconds) - 1, int(fraction * len(self.seconds)))]
