"""The firm, its nodes and its clients, as numbers; README.md says where each comes from."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Model:
    """What is the same for all proxies and stages."""

    users: int = 1000
    seconds: float = 480          # that the morning lasts
    sessions_per_second: float = 8.0   # each user's client polls every 125 s
    swell: float = 0.2            # so much more of them at its height, so much less at its ends
    messages_most: int = 3        # that a session finds: none up to so many
    message_bytes: int = 20_000
    service_seconds: float = 0.25  # of a node for a message, on average
    service_spread: float = 0.7   # log-normal
    at_once: int = 8              # messages that a node serves side by side
    stall_every: float = 30       # seconds from one stall of a node to the next, on average
    stall_shortest: float = 5
    stall_longest: float = 12
    seed: int = 2

    def nodes_arguments(self):
        """Of `poplar_load nodes`."""
        return ["--users", self.users, "--messages", 2 * self.messages_most, "--message-bytes", self.message_bytes,
                "--service-time", self.service_seconds, "--service-spread", self.service_spread,
                "--at-once", self.at_once, "--stall-every", self.stall_every,
                "--stall-shortest", self.stall_shortest, "--stall-longest", self.stall_longest, "--seed", self.seed]

    def load_arguments(self):
        """Of `poplar_generator`; more clients than there ever are sessions at once."""
        return ["fetch", "--users", self.users, "--clients", 4 * self.users, "--sources", 16,
                "--rate", self.sessions_per_second, "--swell", self.swell, "--duration", self.seconds,
                "--messages", 0, "--messages-most", self.messages_most, "--seed", self.seed]


@dataclasses.dataclass(frozen=True)
class Stage:
    """How the firm's POP3 service is set up."""

    name: str
    nodes: int
    connections: int    # to a node at once
    timeout: int        # seconds
    tls: bool           # to clients
    # How long a login may wait for one of the connections. "Before" it is as long as clients wait: with less, nobody
    # could have waited for as long as the firm says.
    queue: int


BEFORE = Stage("before", nodes=1, connections=5, timeout=5, tls=False, queue=30)
AFTER = Stage("after", nodes=3, connections=20, timeout=15, tls=True, queue=15)
ALL = Stage("after, with all it has", nodes=3, connections=20, timeout=15, tls=True, queue=15)
