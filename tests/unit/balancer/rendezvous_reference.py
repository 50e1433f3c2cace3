#!/usr/bin/env python3
"""Reference of balancer/rendezvous.h in plain Python: prints the golden vectors of golden/rendezvous.csv.

    tests/unit/balancer/rendezvous_reference.py > tests/unit/balancer/golden/rendezvous.csv
"""
from functools import cmp_to_key

MASK = (1 << 64) - 1
P1, P2, P3, P4, P5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9,
                      0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def rotl(x, r):
    return ((x << r) | (x >> (64 - r))) & MASK


def mix(acc, lane):
    return rotl((acc + lane * P2) & MASK, 31) * P1 & MASK


def xxh64(data, seed):
    lane = lambda at, size: int.from_bytes(data[at:at + size], "little")
    at = 0
    if len(data) >= 32:
        acc = [(seed + P1 + P2) & MASK, (seed + P2) & MASK, seed, (seed - P1) & MASK]
        while at + 32 <= len(data):
            acc = [mix(acc[i], lane(at + 8 * i, 8)) for i in range(4)]
            at += 32
        h = sum(rotl(a, r) for a, r in zip(acc, (1, 7, 12, 18))) & MASK
        for a in acc:
            h = ((h ^ mix(0, a)) * P1 + P4) & MASK
    else:
        h = (seed + P5) & MASK
    h = (h + len(data)) & MASK
    while at + 8 <= len(data):
        h = (rotl(h ^ mix(0, lane(at, 8)), 27) * P1 + P4) & MASK
        at += 8
    if at + 4 <= len(data):
        h = (rotl(h ^ (lane(at, 4) * P1 & MASK), 23) * P2 + P3) & MASK
        at += 4
    while at < len(data):
        h = rotl(h ^ (data[at] * P5 & MASK), 11) * P1 & MASK
        at += 1
    h = (h ^ (h >> 33)) * P2 & MASK
    h = (h ^ (h >> 29)) * P3 & MASK
    return h ^ (h >> 32)


def cost(user, node):
    x = xxh64(user, xxh64(node, 0)) | 1
    exponent = x.bit_length() - 1
    m, log2 = x << (63 - exponent), exponent
    for _ in range(48):
        m, log2 = (m * m) >> 63, 2 * log2
        if m >> 64:
            m, log2 = m >> 1, log2 + 1
    return (64 << 48) - log2


def order(user, nodes):
    """nodes: list of (name, weight), bytes and int. The nodes' names, best first."""
    def compare(a, b):
        (cost_a, weight_a, name_a), (cost_b, weight_b, name_b) = a, b
        if (weight_a == 0) != (weight_b == 0):
            return 1 if weight_a == 0 else -1
        left, right = cost_a * max(weight_b, 1), cost_b * max(weight_a, 1)
        if left != right:
            return -1 if left < right else 1
        return (name_a > name_b) - (name_a < name_b)

    return [n for _, _, n in sorted(((cost(user, n), w, n) for n, w in nodes), key=cmp_to_key(compare))]


def place_in_move(user, move):
    """Of balancer/moves.h; bytes both."""
    return xxh64(user, xxh64(move, 0)) * 1000 >> 64


def main():
    assert xxh64(b"", 0) == 0xEF46DB3751D8E999  # the published test vectors
    assert xxh64(b"abc", 0) == 0x44BC2CF5AD770999
    assert xxh64(b"Nobody inspects the spammish repetition", 0) == 0xFBCEA83C8A378BF1
    clusters = [
        [("mail1", 100), ("mail2", 100), ("mail3", 100)],
        [("mail1", 1), ("mail2", 2), ("mail3", 3), ("mail4", 0)],
        [("a", 0), ("b", 0), ("c", 0)],
        [("only", 7)],
        [("node-%02d.mail.example.com" % i, 1 + 111 * (i % 10)) for i in range(20)],
    ]
    users = ["a", "alice", "bob@example.com", "user0001", "jürgen@example.org", "x" * 31, "x" * 32,
             "y" * 33, "z" * 512] + ["user%d@example.com" % i for i in range(40)]
    print("user,nodes (name:weight),cost on each node,order of preference")
    for nodes in clusters:
        raw = [(n.encode(), w) for n, w in nodes]
        for user in users:
            u = user.encode()
            print(",".join([user, " ".join("%s:%d" % n for n in nodes),
                            " ".join(str(cost(u, n)) for n, _ in raw),
                            " ".join(n.decode() for n in order(u, raw))]))


if __name__ == "__main__":
    main()
