"""What is measured: work of a fixed size, asked of every proxy in the same way by poplar_generator.

A scenario's unit is what its CPU time is divided by. `parked`: with Poplar each user comes again within the time for
which its session stays parked; for the others that makes no difference.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    arguments: tuple            # of poplar_generator
    sessions: int               # of a round, at size 1
    messages: int = 3           # of each maildrop
    message_bytes: int = 4096
    users: int = 1000
    clients: int = 64            # at once
    unit: str = "session"       # or "GB", of mail
    fronts: tuple = ()          # empty: all
    parked: bool = False        # Poplar with its defaults, and users who come again


ALL = (
    Scenario("login, full handshake", ("login",), 1500),
    Scenario("login, resumed", ("login", "--resume"), 1500),
    Scenario("poll, full handshake", ("poll",), 1500),
    Scenario("poll, resumed", ("poll", "--resume"), 1500),
    Scenario("poll, resumed, parked", ("poll", "--resume", "--own-user"), 1500, parked=True),
    Scenario("download 2 KiB x 20", ("download", "--resume", "--messages", "20"), 1000, 20, 2048),
    Scenario("download 2 KiB x 20, pipelined", ("download", "--resume", "--messages", "20", "--pipelined"), 1000, 20,
             2048),
    Scenario("download 75 KiB x 10", ("download", "--resume", "--messages", "10"), 600, 10, 76_800, unit="GB"),
    Scenario("download 10 MiB", ("download", "--resume", "--messages", "1"), 60, 1, 10_485_760, 64,
             clients=4, unit="GB"),
)
