"""What lies in another process' memory: all that it can write, freed or not."""

import re

_PIECE = 1 << 24


def count_in_memory(pid: int, wanted: bytes) -> int:
    """How often these bytes are there."""
    found = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            begin, end, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if "r" in rights and "w" in rights:
                found += _count(memory, int(begin, 16), int(end, 16), wanted)
    return found


def _count(memory, begin: int, end: int, wanted: bytes) -> int:
    found, rest = 0, b""
    for at in range(begin, end, _PIECE):
        try:
            memory.seek(at)
            piece = rest + memory.read(min(_PIECE, end - at))
        except OSError:
            return found  # unmapped since, or a device's
        found += piece.count(wanted)
        rest = piece[len(piece) - len(wanted) + 1:]
    return found
