"""How a service that speaks auth_http is asked: TLS, kept connections, host names, patience, and no secret left behind."""

import pathlib
import subprocess
import threading
import time

import pytest

import corpus
from auth_service import AuthService, at, directory
from certificates import Authority
from dnsmasq import Dnsmasq
from dovecot import Dovecot
from poplar import node
from ports import free_port
from process_memory import count_in_memory
from waiting import until
from wire import Pop3

NAME = "auth.poplar.test"
USERS = [f"user{index:02}" for index in range(20)]
TEMPORARY = b"-ERR [SYS/TEMP] "
PASSWORD = "secret"


@pytest.fixture(scope="module")
def dovecot(folder, node_certificate):
    with Dovecot(folder / "node", "node", node_certificate, USERS) as made:
        for user in USERS:
            made.deliver(user, corpus.many(1))
        yield made


def clusters(dovecot):
    return [{"name": "main", "nodes": [node("node", dovecot.pop3_port)]}]


@pytest.fixture(scope="module")
def begin(start, dovecot):
    """begin(*urls, http=..., **of the directory) gives a Poplar that asks there."""
    return lambda *urls, **more: start([], clusters=clusters(dovecot), **directory(*urls, **more))


@pytest.fixture(scope="module")
def answers(dovecot):
    return {user: at(dovecot.pop3_port) for user in USERS}


@pytest.fixture(scope="module")
def service_certificate(authority):
    return authority.issue("service", ["localhost", "127.0.0.1"])


@pytest.fixture(scope="module")
def secure_service(answers, service_certificate):
    with AuthService(answers, certificate=service_certificate) as service:
        yield service


def log_in(proxy, user: str, password: str = PASSWORD) -> bytes:
    """What PASS is answered with."""
    with proxy.connect() as session:
        session.ok(f"USER {user}")
        answer = session.command(f"PASS {password}")
        if answer.startswith(b"+OK"):
            session.ok("QUIT")
        return answer


def only_boringssl(proxy) -> bool:
    maps = pathlib.Path(f"/proc/{proxy.child.pid}/maps").read_text()
    return "libssl.so.3" not in maps and "libcrypto.so.3" not in maps


def test_https_is_verified(begin, authority, secure_service):
    with begin(secure_service.url, http={"ca_file": str(authority.file)}) as proxy:
        for user in USERS[:6]:
            assert log_in(proxy, user).startswith(b"+OK")
        assert log_in(proxy, USERS[0], "wrong") == b"-ERR Wrong password\r\n"
        assert only_boringssl(proxy)


def test_another_authority_is_refused(begin, tmp_path, secure_service):
    asked = len(secure_service.asked)
    other = Authority(tmp_path / "other", "Another CA")
    with begin(secure_service.url, http={"ca_file": str(other.file)}) as proxy:
        assert log_in(proxy, USERS[0]).startswith(TEMPORARY)
        failure = proxy.session()["failure"]
        assert secure_service.url in failure and "authority that is not in the CA file" in failure
    assert len(secure_service.asked) == asked  # the password stayed here


def test_another_name_is_refused(begin, authority, answers):
    certificate = authority.issue("elsewhere", ["elsewhere.test"])
    with AuthService(answers, certificate=certificate) as service, \
            begin(service.url, http={"ca_file": str(authority.file)}) as proxy:
        assert log_in(proxy, USERS[0]).startswith(TEMPORARY)
        assert "certificate is for elsewhere.test, not 127.0.0.1" in proxy.session()["failure"]
        assert service.asked == []


def test_the_service_may_ask_for_a_certificate(begin, authority, answers, service_certificate):
    own = authority.issue("poplar-client", ["poplar"], usage="clientAuth")
    https = {"ca_file": str(authority.file)}
    with AuthService(answers, certificate=service_certificate, clients=authority.file) as service:
        shown = {"client_certificate": str(own.certificate), "client_key": str(own.key)}
        with begin(service.url, http={**https, **shown}) as proxy:
            assert log_in(proxy, USERS[0]).startswith(b"+OK")
        with begin(service.url, http=https) as proxy:
            assert log_in(proxy, USERS[0]).startswith(TEMPORARY)


@pytest.mark.parametrize("secure", [False, True])
def test_a_host_name_will_do(secure, begin, authority, answers, service_certificate):
    with AuthService(answers, certificate=service_certificate if secure else None) as service:
        https = {"ca_file": str(authority.file)} if secure else {}
        with begin(service.url_of("localhost"), http=https) as proxy:
            assert log_in(proxy, USERS[0]).startswith(b"+OK")
        assert service.asked[0]["host"] == f"localhost:{service.port}"


@pytest.fixture
def dns(tmp_path):
    with Dnsmasq(tmp_path / "dns") as server:
        yield server


@pytest.fixture
def begin_by_name(begin, dns):
    """begin_by_name(port, **of the directory): it asks a server called NAME, whose addresses are looked up as soon as
    the name server allows it, which here is after a second. Nothing that was found is kept."""
    def make(port, **more):
        http = {"name_servers": [dns.address], "ttl_min": "200ms", "ttl_max": "1s"}
        return begin(f"http://{NAME}:{port}/auth", http=http, **{"found_ttl": "0s", "stale_ttl": "0s", **more})
    return make


def messages(proxy):
    return [line.get("message", "") for line in proxy.lines()]


def test_a_service_that_moves_to_another_address_is_followed(dns, begin_by_name, answers):
    dns.set_hosts(NAME, ["127.0.0.21"])
    old = AuthService(answers, address="127.0.0.21")
    with begin_by_name(old.port) as proxy:
        for user in USERS[:6]:
            assert log_in(proxy, user).startswith(b"+OK")
        assert len(old.asked) == 6
        with AuthService(answers, port=old.port, address="127.0.0.22") as new:
            dns.set_hosts(NAME, ["127.0.0.22"])

            def asked_there_alone():
                before = len(new.asked)
                for user in USERS:  # each worker looks for itself
                    assert log_in(proxy, user).startswith(b"+OK")
                return len(new.asked) == before + len(USERS)

            until(asked_there_alone, "the new address to be known")
            old.stop()
            asked = len(new.asked)
            for user in USERS:
                assert log_in(proxy, user).startswith(b"+OK")
            assert len(new.asked) == asked + len(USERS)
            assert new.asked[-1]["host"] == f"{NAME}:{new.port}"


def test_all_addresses_of_a_name_are_tried(dns, begin_by_name, answers):
    dns.set_hosts(NAME, ["127.0.0.23", "::1", "127.0.0.21"])
    with AuthService(answers, address="127.0.0.21") as service, begin_by_name(service.port) as proxy:
        for user in USERS[:6]:
            assert log_in(proxy, user).startswith(b"+OK")


def test_a_name_that_is_not_found_is_no_reason_not_to_start(dns, begin_by_name, answers, binary):
    with AuthService(answers, address="127.0.0.21") as service, begin_by_name(service.port) as proxy:
        until(lambda: any(f"directory auth: {NAME}" in each and "counts as down" in each for each in messages(proxy)),
              "the log to warn of it")
        assert log_in(proxy, USERS[0]).startswith(TEMPORARY)
        failure = proxy.session()["failure"]
        assert f"can't be reached: {NAME}" in failure and dns.address in failure
        checked = subprocess.run([binary, "check", "--config", proxy.file], capture_output=True, text=True, timeout=30)
        assert checked.returncode == 0
        assert f"its name can't be looked up: {NAME}" in checked.stderr and "0 errors, 2 warnings" in checked.stderr
        dns.set_hosts(NAME, ["127.0.0.21"])
        until(lambda: log_in(proxy, USERS[0]).startswith(b"+OK"), "the name to be found")
        until(lambda: f"directory auth: the trouble with the name {NAME} is over" in messages(proxy), "the log to say so")


@pytest.mark.parametrize("how", ["servfail", "silent"])
def test_without_a_name_server_the_last_addresses_stay(how, dns, begin_by_name, answers):
    dns.set_hosts(NAME, ["127.0.0.21"])
    service = AuthService(answers, address="127.0.0.21")
    with begin_by_name(service.port) as proxy:
        for user in USERS[:6]:
            assert log_in(proxy, user).startswith(b"+OK")
        dns.fail(how)
        service.stop()  # its connections are gone, so that new ones are needed
        with AuthService(answers, port=service.port, address="127.0.0.21"):
            for user in USERS:
                assert log_in(proxy, user).startswith(b"+OK")

            def warned():
                assert log_in(proxy, USERS[0]).startswith(b"+OK")  # who needs the address looks it up, once it is too old
                return any("the addresses known before stay in force" in each for each in messages(proxy))

            if how == "servfail":
                until(warned, "the log to warn of it")


def test_a_look_up_that_hangs_does_not_hold_the_end_up(dns, begin_by_name):
    dns.fail("silent")
    with begin_by_name(free_port(), timeout="1s") as proxy:
        begun = time.monotonic()
        assert log_in(proxy, USERS[0]).startswith(TEMPORARY)
        assert "wasn't looked up in time" in proxy.session()["failure"]
    assert time.monotonic() - begun < 5  # a silent name server is waited for longer than that


def test_connections_are_kept(begin, answers):
    with AuthService(answers) as service, begin(service.url, found_ttl="0s") as proxy:
        for user in USERS:
            assert log_in(proxy, user).startswith(b"+OK")
        assert len(service.asked) == len(USERS)
        assert service.connections <= 2  # one a worker


def test_a_service_that_was_restarted_is_asked_without_a_word(begin, answers):
    """The connections that were kept are dead then."""
    service = AuthService(answers)
    with begin(service.url, found_ttl="0s", stale_ttl="0s") as proxy:
        for user in USERS[:8]:
            assert log_in(proxy, user).startswith(b"+OK")
        port = service.port
        service.stop()
        with AuthService(answers, port=port):
            for user in USERS[:8]:
                assert log_in(proxy, user).startswith(b"+OK")
    assert all("failure" not in line for line in proxy.sessions())


def test_a_slow_answer_holds_nobody_else_up(begin, answers):
    """The slow ones are more than there are workers."""
    released = threading.Event()

    def slow(headers):
        released.wait(15)
        return answers[USERS[0]](headers)

    slow_ones = USERS[:6]
    with AuthService({**answers, **{user: slow for user in slow_ones}}) as service, \
            begin(service.url, timeout="15s") as proxy:
        waiting = [proxy.connect() for _ in slow_ones]
        for session, user in zip(waiting, slow_ones):
            session.ok(f"USER {user}")
            session.send(f"PASS {PASSWORD}\r\n".encode())
        until(lambda: len(service.asked) == len(slow_ones), "the slow ones to be asked for")
        begun = time.monotonic()
        for user in USERS[6:]:
            assert log_in(proxy, user).startswith(b"+OK")
        assert time.monotonic() - begun < 10
        released.set()
        for session in waiting:
            assert session.line().startswith(b"+OK")
            session.close()


def test_no_password_stays_in_memory(start, dovecot):
    """Neither the client's nor the one that the service gave for the node.

    In the clear, both ways: under TLS the library frees what it has decrypted without wiping it.
    """
    outer, inner = "%Outer%password%of%the%client%", "Inn3r&nodes"
    told = {user: at(dovecot.pop3_port, outer, **{"Auth-Pass": inner}) for user in USERS}
    told[USERS[0]] = at(dovecot.pop3_port, outer, **{"Auth-Pass": PASSWORD})
    with AuthService(told) as service, \
            start([], clusters=clusters(dovecot), listener={"tls": "none", "require_tls": False},
                  **directory(service.url)) as proxy:
        for user in USERS[:5]:
            # The node knows the inner one of the first alone, which makes no difference here.
            for password, answer in ((outer, b"+OK" if user == USERS[0] else b"-ERR"),
                                     (outer + "wrong", b"-ERR Wrong password")):
                with Pop3.connect(proxy.port) as session:
                    session.ok(f"USER {user}")
                    assert session.command(f"PASS {password}").startswith(answer)
                    session.ok("QUIT")
        proxy.idle()
        assert len(service.asked) == 10
        # What is in the configuration is there: the search finds things.
        assert count_in_memory(proxy.child.pid, b"X-Auth-Key: abc") > 0
        for text in (outer, outer.replace("%", "%25"), inner):
            assert count_in_memory(proxy.child.pid, text.encode()) == 0, text
