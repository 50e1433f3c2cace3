"""The story of one fault at one node under load, told in moments and visits, and what must be true of it."""

import dataclasses
import time

from failover_stand import Stand
from load import Outcome, overlaps
from node_watch import NodeWatch
from waiting import until


@dataclasses.dataclass
class Story:
    """Moments are seconds since the epoch; 0: did not happen."""
    stand: Stand
    victim: str
    hurt: float = 0.0
    out: float = 0.0   # Poplar noticed: the node left service
    healed: float = 0.0
    back: float = 0.0  # it is in service again
    visits: list = dataclasses.field(default_factory=list)
    changes: list = dataclasses.field(default_factory=list)

    def failed(self, *outcomes):
        return [visit for visit in self.visits if visit.outcome in outcomes]

    def at_victim(self, visit) -> bool:
        return (visit.node or self.stand.home[visit.user]) == self.victim

    def all_home(self) -> float:
        """When the last of the victim's users was served at home again."""
        first = {}
        for visit in self.visits:
            if visit.admitted > self.back and visit.node == self.victim:
                first.setdefault(visit.user, visit.admitted)
        return max(first.values(), default=self.back)

    # --- what must be true

    def check_nothing_inexcusable(self):
        wrong = self.failed(Outcome.WRONG, Outcome.NO_GREETING)
        assert not wrong, wrong[:5]
        strangers = [visit for visit in self.failed(Outcome.REFUSED, Outcome.LOST)
                     if not self.at_victim(visit)]
        strangers += [visit for visit in self.visits if visit.resumes and self.stand.home[visit.user] != self.victim]
        assert not strangers, f"sessions of other nodes were touched: {strangers[:5]}"
        assert not overlaps(self.visits), f"on two nodes at once: {overlaps(self.visits)[:3]}"
        left = {node for _, node, _ in self.changes}
        assert left <= {self.victim}, f"only the victim may leave service: {self.changes}"

    def check_after_detection(self):
        """No login whose password came after the node left service may fail, nor its session."""
        late = [visit for visit in self.failed(Outcome.REFUSED, Outcome.LOST) if visit.asked > self.out]
        assert not late, f"failed after the detection at {self.out}: {late[:5]}"

    def check_cost(self, refused_max: int, lost_max: int):
        refused, lost = self.failed(Outcome.REFUSED), self.failed(Outcome.LOST)
        assert len(refused) <= refused_max, (len(refused), refused[:5])
        assert len(lost) <= lost_max, (len(lost), lost[:5])

    # --- what is printed

    def figures(self):
        refused = self.failed(Outcome.REFUSED)
        return {
            "sessions": len(self.visits),
            "refused": len(refused),
            "refused after": len([visit for visit in refused if self.out and visit.asked > self.out]),
            "lost": len(self.failed(Outcome.LOST)),
            "resumed": sum(visit.resumes > 0 for visit in self.visits),
            "s to eject": self.out and self.out - self.hurt,
            "s to readmit": self.back and self.back - self.healed,
            "s to all home": self.back and self.all_home() - self.healed,
        }


def served_since(load, users, since: float) -> bool:
    """Whether each of the users has had a whole session that began after `since`."""
    return users <= {visit.user for visit in load.visits()
                     if visit.began > since and visit.outcome is Outcome.OK}


def tell(stand: Stand, hurt, heal, lasting: float = 0.0) -> Story:
    """Hurts the node with most users, waits until Poplar has noticed and its users are served elsewhere, and for
    `lasting` seconds at least; heals it, and waits until its users are at home again."""
    story = Story(stand, stand.busiest())
    users = stand.users_of(story.victim)
    with NodeWatch(stand.proxy) as watch, stand.load() as load:
        until(lambda: len(load.visits()) >= 100, "the load to run", 60)
        story.hurt = time.time()
        hurt(story.victim)
        story.out = watch.first(story.victim, False, story.hurt)
        until(lambda: served_since(load, users, story.out), "its users to be served elsewhere", 30)
        until(lambda: time.time() >= story.hurt + lasting, "the fault to have lasted", lasting + 1)
        story.healed = time.time()
        heal(story.victim)
        story.back = watch.first(story.victim, True, story.healed, 40)
        until(lambda: users <= stand.served(story.victim, story.back), "its users to be at home again",
              30, 0.3)
    story.changes = watch.changes
    story.visits = load.placed()
    return story
