"""Nobody without a password can have a node taken out of service, however long what they send."""

import pytest

from exposition import value
from fake_node import FakeNode
from poplar import node


def closes_on_long_words(peer, words):
    """As Dovecot does beyond 8192 bytes of a SASL message, and mailutils beyond some 600 of a PASS."""
    if len(" ".join(words)) > 600:
        peer.reset()
        raise ConnectionError
    return b"-ERR [AUTH] wrong\r\n"


@pytest.mark.parametrize("how", ["PASS", "PLAIN"])
def test_long_passwords_of_strangers_eject_no_node(how, start):
    with FakeNode({"PASS": closes_on_long_words, "AUTH": closes_on_long_words}) as fake, \
            start([node("fake", fake.port)]) as proxy:
        for number in range(10):
            with proxy.connect() as session:
                if how == "PASS":
                    session.ok(f"USER stranger{number}")
                    answer = session.command("PASS " + "x" * 900)
                else:
                    answer = session.authenticate("PLAIN", b"\0stranger%d\0" % number + b"x" * 900)
                assert answer.startswith(b"-ERR")
        assert value(proxy, "poplar_node_state", state="up") == 1
