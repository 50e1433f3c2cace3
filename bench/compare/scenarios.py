"""What is measured: work of a fixed size, asked of every proxy in the same way by poplar_generator.

A scenario's unit is what its CPU time is divided by. `parked`: with Poplar each user comes again within the time for
which its session stays parked; of the others only the floor has a way of its own for that.
"""

import dataclasses

# Of the sessions that the others get: what costs ten times as much need not be measured for ten times as long.
SLOW = {"perdition": 0.2}
SLOW_WITH_MAIL = {"perdition": 0.2, "dovecot-proxy": 0.2}


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    arguments: tuple            # of poplar_generator
    sessions: int               # of a round, at size 1
    messages: int = 3           # of each maildrop
    message_bytes: int = 4096
    users: int = 1000
    clients: int = 64           # at once
    shares: dict = dataclasses.field(default_factory=lambda: SLOW)
    unit: str = "session"       # or "GB", of mail
    parked: bool = False        # Poplar with its defaults, and users who come again


ALL = (
    Scenario("login, full handshake", ("login",), 1500),
    Scenario("login, resumed", ("login", "--resume"), 1500),
    Scenario("poll, full handshake", ("poll",), 1500),
    Scenario("poll, resumed", ("poll", "--resume"), 1500),
    # Few clients: a proxy's turns are further apart than a session stays parked, and each client's first one finds none.
    Scenario("poll, resumed, parked", ("poll", "--resume", "--own-user"), 1500, clients=16, parked=True),
    Scenario("download 2 KiB x 20", ("download", "--resume", "--messages", "20"), 600, 20, 2048, shares=SLOW_WITH_MAIL),
    Scenario("download 2 KiB x 20, pipelined", ("download", "--resume", "--messages", "20", "--pipelined"), 600, 20,
             2048, shares=SLOW_WITH_MAIL),
    Scenario("download 75 KiB x 10", ("download", "--resume", "--messages", "10"), 600, 10, 76_800, unit="GB",
             shares=SLOW_WITH_MAIL),
    Scenario("download 10 MiB", ("download", "--resume", "--messages", "1"), 60, 1, 10_485_760, 64, clients=4, unit="GB",
             shares=SLOW_WITH_MAIL),
)
