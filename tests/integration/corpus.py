"""Message corpora: deterministic, chosen for what breaks POP3 framing.

Messages are written as they lie in a Maildir. What a node sends for them is the truth the tests compare
with (Dovecot turns bare LF into CRLF, for example); `as_sent` says what that should be.
"""

import hashlib
import random

_HEADER = (b"Return-Path: <sender@example.net>\r\nFrom: Sender <sender@example.net>\r\n"
           b"To: Reader <reader@example.org>\r\nSubject: %s\r\n"
           b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <%s@example.net>\r\n")
_LINE = b"The quick brown fox jumps over the lazy dog, and over the terminator too.\r\n"


def message(name: str, body: bytes, extra_headers: bytes = b"") -> bytes:
    return _HEADER % (name.encode(), name.encode()) + extra_headers + b"\r\n" + body


def as_sent(stored: bytes) -> bytes:
    """What a server sends for a message stored so: every line end is CRLF, the last one included."""
    text = stored.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return text if text.endswith(b"\r\n") else text + b"\r\n"


def _noise(seed: int, size: int) -> bytes:
    """Bytes that no line-based protocol minds: neither NUL, CR nor LF."""
    allowed = bytes(byte for byte in range(256) if byte not in b"\x00\r\n")
    table = bytes(allowed[index % len(allowed)] for index in range(256))
    return random.Random(seed).randbytes(size).translate(table)


def _attachment(size: int) -> bytes:
    import base64
    raw = random.Random(size).randbytes(size * 57 // 78)
    return base64.encodebytes(raw).replace(b"\n", b"\r\n")


def plain():
    """Messages that every client, however old, delivers unchanged."""
    return {
        "short": message("short", b"Hello.\r\n"),
        "empty-body": message("empty-body", b""),
        "leading-dot": message("leading-dot", b".one\r\n..two\r\n...three\r\nend\r\n"),
        "lone-dot": message("lone-dot", b"before\r\n.\r\nafter\r\n.\r\n.\r\n"),
        "two-dots": message("two-dots", b"..\r\n..\r\n"),
        "dot-last": message("dot-last", b"text\r\n."),
        "dot-first": message("dot-first", b".\r\nfirst line was a dot\r\n"),
        "looks-like-pop3": message("looks-like-pop3", b"+OK\r\n-ERR [SYS/TEMP] no\r\nQUIT\r\n"),
        "blank-lines": message("blank-lines", b"\r\n\r\n\r\nafter\r\n\r\n\r\n"),
        "no-final-newline": message("no-final-newline", b"the last line has no end"),
        "eight-bit": message("eight-bit", "Grüße aus Köln, 你好\r\n".encode() * 50,
                             b"Content-Transfer-Encoding: 8bit\r\n"
                             b"Content-Type: text/plain; charset=utf-8\r\n"),
        "many-lines": message("many-lines", _LINE * 3000),
    }


def hard():
    """Messages that break naive framing: endless lines, binary, carriage returns of their own."""
    return {
        "long-line": message("long-line", b"x" * 100_000 + b"\r\n" + b"." * 100_000 + b"\r\n"),
        "binary": message("binary", b"\r\n".join(_noise(seed, 700) for seed in range(60))),
        "bare-cr": message("bare-cr", b"one\rtwo\r.\r\rthree\r\nfour\r\r\n.\r.\r\nend\r\n"),
        "cr-before-dot": message("cr-before-dot", b"a\r\r\n.\r\n\r\n.\r\r\n..\r\n"),
        "dots-everywhere": message("dots-everywhere", b".\r\n" * 30_000),
        "buffer-edges": message("buffer-edges", b"".join(
            b"y" * length + b"\r\n.\r\n" for length in (4093, 4094, 4095, 4096, 16381, 16384))),
    }


def large(megabytes: int = 20):
    return {"large": message("large", _attachment(megabytes << 20),
                             b"Content-Transfer-Encoding: base64\r\n")}


def many(count: int = 1000):
    return {f"small-{index:04}": message(f"small-{index:04}", b"number %d\r\n" % index)
            for index in range(count)}


def mixed(count: int, seed: int = 1):
    """What lies in a mailbox: mostly a few kilobytes, now and then a picture; dots where lines begin.

    No two have the same bytes, however they are cut. Logarithmically even sizes of 0.3 to 40 KB, 8 KB on average;
    each hundredth has 1 MB.
    """
    dice = random.Random(seed)
    found = {}
    for index in range(count):
        name = f"mixed-{seed}-{index:04}"
        size = 1 << 20 if index % 100 == 49 else int(300 * (40_000 / 300) ** dice.random())
        lines, left = [], size
        while left > 0:
            line = b"%s%d of %s, %016x\r\n" % (b"." * dice.choice((0, 0, 1, 2)), len(lines), name.encode(),
                                              dice.getrandbits(64))
            lines.append(line)
            left -= len(line)
        found[name] = message(name, b"".join(lines))
    return found


def everything():
    return {**plain(), **hard()}


def digest(content: bytes) -> str:
    return f"{len(content)} bytes, {hashlib.sha256(content).hexdigest()[:16]}"
