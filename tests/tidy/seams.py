"""The injected world: time, chance and the network come from proxy/io and from nowhere else."""

import re

from source import CODE, Finding, Tree, blanked, line_of

_WORLD = {
    "a clock": r"_clock::now\b|\b(clock_gettime|gettimeofday|timespec_get)\s*\(|\btime\s*\(\s*(nullptr|NULL|0)?\s*\)",
    "chance": r"(?<![\w.>])(rand|srand|random|srandom|rand_r|drand48|getrandom|getentropy|arc4random\w*)\s*\("
              r"|\bstd::(random_device|mt19937\w*|default_random_engine|minstd_rand\w*)\b",
    "a socket": r"(?<![\w:.>])(?:::)(socket|connect|bind|listen|accept4?|send|sendto|sendmsg|recv|recvfrom|recvmsg"
                r"|getaddrinfo|epoll_\w+|poll|select)\s*\("
                r"|(?<![\w:.>])(socket|accept4|sendto|sendmsg|recvfrom|recvmsg|getaddrinfo|epoll_create1?|epoll_wait)\s*\(",
    "a pause": r"(?<![\w.>])(sleep|usleep|nanosleep)\s*\(|\bsleep_(for|until)\b",
}

# Where the world itself is made.
_MAKERS = re.compile(r"proxy/io/")


def check(tree: Tree):
    findings = []
    for path, text in tree.cpp(*CODE):
        if _MAKERS.match(path):
            continue
        code = blanked(text)
        for what, pattern in _WORLD.items():
            for match in re.finditer(pattern, code):
                findings.append(Finding(path, line_of(code, match.start()),
                                        f"{what} outside proxy/io: {match[0].strip()}"))
    return findings
