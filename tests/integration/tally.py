"""What became of each message of a maildrop: in the client's mailbox once, twice, not at all, or altered."""

import collections
import dataclasses


@dataclasses.dataclass
class Tally:
    missing: int = 0  # messages that the client has not
    twice: int = 0    # copies beyond the first
    wrong: int = 0    # mails that equal no message: a byte altered, or cut
    left: int = 0     # messages on the server that the client was to delete
    lost: int = 0     # neither with the client nor on the server; or gone though the client was to keep them

    def __add__(self, other):
        return Tally(*(mine + its for mine, its in zip(dataclasses.astuple(self), dataclasses.astuple(other))))

    def __bool__(self):
        """Whether anything is wrong."""
        return any(dataclasses.astuple(self))


def tally(reader, messages, on_server) -> Tally:
    """`messages`: name -> bytes as a server sends them; `on_server`: names of those still there."""
    wanted = {reader.like.stored(content): name for name, content in messages.items()}
    got = collections.Counter(reader.messages())
    have = {wanted[content] for content in got if content in wanted}
    there = set(on_server)
    return Tally(
        missing=len(messages) - len(have),
        twice=sum(number - 1 for content, number in got.items() if content in wanted),
        wrong=sum(number for content, number in got.items() if content not in wanted),
        left=len(there) if reader.delete else 0,
        lost=len(set(messages) - there - (have if reader.delete else set())))
