"""The name server of the tests does what they rely on: records, TTLs, faults and outages, changed while it runs."""

import pytest

from dnsmasq import Dnsmasq

_NXDOMAIN, _SERVFAIL, _REFUSED = 3, 2, 5


@pytest.fixture(scope="module")
def server(folder):
    with Dnsmasq(folder / "dns") as name_server:
        yield name_server


def test_addresses_of_both_families_and_their_ttl(server):
    server.set(hosts={"mail.test": ["127.0.0.2", "127.0.0.3", "::1"]}, ttl=7)
    four = server.ask("mail.test", "A")
    assert sorted(four.values) == ["127.0.0.2", "127.0.0.3"] and four.ttls == [7, 7]
    assert server.ask("mail.test", "AAAA").values == ["::1"]
    server.set_hosts("mail.test", ["127.0.0.9"])
    assert server.ask("mail.test", "A").values == ["127.0.0.9"]
    six = server.ask("mail.test", "AAAA")
    assert six.rcode == 0 and not six.values


def test_services(server):
    targets = [(10, 5, 110, "one.test"), (20, 0, 1110, "two.test")]
    server.set(srv={"_pop3._tcp.mail.test": targets}, ttl=3)
    answer = server.ask("_pop3._tcp.mail.test", "SRV")
    assert sorted(answer.values) == targets and answer.ttls == [3, 3]
    server.set_srv("_pop3._tcp.mail.test", targets[1:])
    assert server.ask("_pop3._tcp.mail.test", "SRV").values == targets[1:]


def test_names_that_stand_for_others(server):
    server.set(hosts={"real.test": ["127.0.0.4"]}, cnames={"alias.test": "real.test"}, ttl=9)
    answer = server.ask("alias.test", "A")
    assert answer.values == ["127.0.0.4"] and answer.ttls == [9, 9]


def test_no_such_name_and_a_name_without_addresses(server):
    server.set(hosts={"bare.test": []}, srv={}, cnames={})
    assert server.ask("none.test", "A").rcode == _NXDOMAIN
    bare = server.ask("bare.test", "A")
    assert bare.rcode == 0 and not bare.values
    server.clear()
    assert server.ask("bare.test", "A").rcode == _NXDOMAIN


@pytest.mark.parametrize("how, rcode", [("refused", _REFUSED), ("servfail", _SERVFAIL)])
def test_faults(server, how, rcode):
    server.set(hosts={"mail.test": ["127.0.0.2"]})
    server.fail(how)
    assert server.ask("mail.test", "A").rcode == rcode
    server.heal()
    assert server.ask("mail.test", "A").values == ["127.0.0.2"]


def test_silence_and_outage(server):
    server.set(hosts={"mail.test": ["127.0.0.2"]})
    server.fail("silent")
    assert server.ask("mail.test", "A", seconds=0.5) is None
    server.set_hosts("mail.test", ["127.0.0.3"])
    server.stop()
    assert server.ask("mail.test", "A", seconds=0.5) is None
    server.set_hosts("mail.test", ["127.0.0.4"])
    server.start()
    assert server.ask("mail.test", "A").values == ["127.0.0.4"]
