"""Where users are, as a real LDAP directory says: real slapd, two real Dovecots, and Poplar between them."""

import contextlib
import json
import pathlib
import socket
import subprocess
import threading
import time

import pytest

import corpus
from certificates import Authority
from dovecot import Dovecot
from exposition import value
from poplar import node
from ports import free_port
from slapd import PEOPLE, READER, Slapd, person
from waiting import until

USERS = ["anna@example.org", "zoe@example.org", "carl@example.org", "m4711", "away@example.org", "next@example.org"]
TEMPORARY = "-ERR [SYS/TEMP] "

PEOPLE_THERE = [
    person("anna", mail="anna@example.org", mailHost="east"),  # a cluster
    person("zoe", mail="zoe@example.org", mailHost="west/west-1"),  # a node
    person("next", mail="next@example.org", mailHost="127.0.0.12"),  # the only node of that host
    person("renamed", mail="renamed@example.org", mailHost="west", mailRoutingAddress="m4711"),
    person("nowhere", mail="nowhere@example.org"),
    person("south", mail="south@example.org", mailHost="south"),
    person("both", mail="both@example.org", departmentNumber=["east", "west"]),
    person("twin1", mail="twin@example.org", mailHost="east"),
    person("twin2", mail="twin@example.org", mailHost="west"),
]


@pytest.fixture(scope="module")
def places(folder, node_certificate):
    with Dovecot(folder / "east", "east", node_certificate, USERS) as east, \
            Dovecot(folder / "west", "west", node_certificate, USERS, address="127.0.0.12") as west:
        for place in (east, west):
            for user in USERS:
                place.deliver(user, {"one": corpus.message("one", f"mail in the {place.name}\r\n".encode())})
        yield {"east": east, "west": west}


@pytest.fixture(scope="module")
def clusters(places):
    return [{"name": name, "nodes": [node(f"{name}-1", each.pop3_port, address=f"{each.address}:{each.pop3_port}")]}
            for name, each in places.items()]


@pytest.fixture(scope="module")
def servers(folder, authority):
    """A slapd of the test's own, with these entries."""
    made = []

    def make(entries=(), **options):
        made.append(Slapd(folder / f"slapd-{len(made)}", authority, entries or PEOPLE_THERE, **options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="module")
def slapd(servers):
    return servers()


def directory(slapd, urls=None, times=None, **more):
    """The sections of a configuration that asks this slapd, and then sends to the west whom it doesn't know."""
    ldap = {"urls": urls or [slapd.url], "bind_dn": READER, "password_file": str(slapd.password_file), "base": PEOPLE,
            "filter": "(mail=%u)", "place": "mailHost", "login": "mailRoutingAddress", **more}
    return {"routes": [{"name": "people", "directory": "people"}, {"name": "rest", "cluster": "west"}],
            "directories": [{"name": "people", "ldap": ldap, **(times or {})}]}


@pytest.fixture(scope="module")
def proxy(start, clusters, slapd):
    with start([], clusters=clusters, **directory(slapd)) as proxy:
        proxy.ldap_password = slapd.password_file
        yield proxy


def outcome(proxy, user: str, password: str = "secret") -> str:
    """Whose mail a login gives, or what the client is told."""
    with proxy.connect() as session:
        session.ok(f"USER {user}")
        answer = session.command(f"PASS {password}")
        if not answer.startswith(b"+OK"):
            return answer.decode().strip()
        body = session.ok("RETR 1")
        session.ok("QUIT")
        return body.split(b"mail in the ")[1].split(b"\r\n")[0].decode()


@pytest.mark.parametrize("user, place, rule", [
    ("anna@example.org", "east", "people"),
    ("ANNA@Example.ORG", "east", "people"),
    ("zoe@example.org", "west", "people"),
    ("next@example.org", "west", "people"),
    ("renamed@example.org", "west", "people"),
    ("carl@example.org", "west", "rest"),  # isn't in it
])
def test_the_directory_says_where_users_are(user, place, rule, proxy, places):
    proxy.idle()
    before, renamed = len(proxy.sessions()), places["west"].logins("m4711")
    assert outcome(proxy, user) == place
    line = proxy.session(before)
    assert (line["route"], line["node"]) == (rule, f"{place}/{place}-1")
    if user.startswith("renamed"):
        until(lambda: places["west"].logins("m4711") == renamed + 1, "the node to log its own name for the user")


def test_who_has_no_place_in_it_is_a_matter_of_the_next_rule(proxy):
    proxy.idle()
    before = len(proxy.sessions())
    outcome(proxy, "nowhere@example.org")
    assert proxy.session(before)["route"] == "rest"


@pytest.mark.parametrize("user, why", [
    ("twin@example.org", "several entries fit the user"),
    ("south@example.org", "no cluster or node is called south"),
])
def test_what_is_not_clear_is_not_guessed(user, why, proxy):
    proxy.idle()
    before = len(proxy.sessions())
    assert outcome(proxy, user).startswith(TEMPORARY)
    assert why in proxy.session(before)["failure"]


def test_an_attribute_with_two_values_is_not_clear_either(start, clusters, slapd):
    with start([], clusters=clusters, **directory(slapd, place="departmentNumber")) as proxy:
        assert outcome(proxy, "both@example.org").startswith(TEMPORARY)
        assert "names several places" in proxy.session()["failure"]


@pytest.mark.parametrize("user", ["*", "a)(uid=*", "*@example.org", "anna*", "x)(|(mail=*", "\\2a", "anna\\40example.org"])
def test_no_name_means_more_than_itself(user, proxy, slapd):
    proxy.idle()
    before, asked = len(proxy.sessions()), len(slapd.searches())
    assert outcome(proxy, user).startswith("-ERR")
    line = proxy.session(before)
    # slapd shows the filter as it took it: one comparison with one value.
    shown = user.replace("\\", "\\5C").replace("*", "\\2A").replace("(", "\\28").replace(")", "\\29")
    assert slapd.searches()[asked:] == [f"(mail={shown})"]
    assert line["route"] == "rest"


def test_answers_and_connections_are_kept(start, clusters, servers):
    slapd = servers()
    with start([], clusters=clusters, **directory(slapd, connections=2, times={"found_ttl": "1h"})) as proxy:
        for _ in range(3):
            assert (outcome(proxy, "anna@example.org"), outcome(proxy, "zoe@example.org")) == ("east", "west")
        for index in range(10):
            outcome(proxy, f"nobody{index}@example.org")
        assert len(slapd.searches()) == 12
        assert slapd.binds() <= 2
        # It doesn't judge passwords, and isn't asked again for another one.
        assert outcome(proxy, "anna@example.org", "wrong").startswith("-ERR")
        assert len(slapd.searches()) == 12
        assert proxy.session()["lookup_ms"] > 0


@pytest.mark.parametrize("how", ["starttls", "ldaps", "ldapi", "anonymous refused"])
def test_ways_to_reach_it(how, start, clusters, slapd, authority):
    ways = {"starttls": {"start_tls": True, "ca_file": str(authority.file)},
            "ldaps": {"urls": [slapd.tls_url], "ca_file": str(authority.file)},
            "ldapi": {"urls": [slapd.socket_url]},
            "anonymous refused": {"bind_dn": "", "password_file": ""}}
    # Nobody may read here without a name: the base isn't there.
    expected = "east" if how != "anonymous refused" else TEMPORARY
    with start([], clusters=clusters, **directory(slapd, **ways[how])) as proxy:
        assert outcome(proxy, "anna@example.org").startswith(expected)


def test_a_certificate_of_another_authority_is_refused(start, clusters, slapd, folder, monkeypatch):
    # The system's settings for LDAP programs are not Poplar's.
    monkeypatch.setenv("LDAPTLS_REQCERT", "never")
    monkeypatch.setenv("LDAPTLS_CACERT", "/nonexistent")
    other = Authority(folder / "other-ca", "Another CA")
    for number, more in enumerate([{"urls": [slapd.tls_url]}, {"start_tls": True}]):
        with start([], clusters=clusters, **directory(slapd, ca_file=str(other.file), **more)) as proxy:
            asked = len(slapd.searches())
            assert outcome(proxy, "anna@example.org").startswith(TEMPORARY)
            failure = proxy.session()["failure"]
            url = slapd.url if number else slapd.tls_url
            assert f"directory people: {url}" in failure and "certificate" in failure.lower(), failure
            assert len(slapd.searches()) == asked


def test_a_certificate_of_another_name_is_refused(start, clusters, servers, authority):
    slapd = servers(certificate=authority.issue("elsewhere", ["elsewhere.test"]))
    with start([], clusters=clusters,
               **directory(slapd, urls=[slapd.tls_url], ca_file=str(authority.file))) as proxy:
        assert outcome(proxy, "anna@example.org").startswith(TEMPORARY)
        assert not slapd.searches()


def test_poplar_shows_its_own_certificate(start, clusters, servers, authority):
    slapd = servers(verify_client="demand")
    own = authority.issue("poplar-client", ["poplar.test"], usage="clientAuth")
    shown = {"client_certificate": str(own.certificate), "client_key": str(own.key)}
    for more, place in (({}, TEMPORARY), (shown, "east")):
        with start([], clusters=clusters,
                   **directory(slapd, urls=[slapd.tls_url], ca_file=str(authority.file), **more)) as proxy:
            assert outcome(proxy, "anna@example.org").startswith(place)


def test_a_wrong_password_is_told_and_not_tried_again_and_again(start, clusters, servers, tmp_path):
    slapd = servers()
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong\n")
    with start([], clusters=clusters, **directory(slapd, password_file=str(wrong))) as proxy:
        for user in ("anna@example.org", "zoe@example.org", "carl@example.org"):
            assert outcome(proxy, user).startswith(TEMPORARY)
        failures = [proxy.session(index)["failure"] for index in range(3)]
        assert all(f"doesn't let bind_dn {READER} in: Invalid credentials" in failure for failure in failures)
        # Each try brings the account nearer to being locked.
        assert slapd.binds() == 1
        assert value(proxy, "poplar_logins_total", result="directory_unavailable") == 3


def test_the_next_server_is_asked_where_one_is_dead(start, clusters, slapd):
    dead = f"ldap://127.0.0.1:{free_port()}"
    with start([], clusters=clusters, **directory(slapd, urls=[dead, slapd.url])) as proxy:
        assert outcome(proxy, "anna@example.org") == "east"
        assert outcome(proxy, "zoe@example.org") == "west"


@pytest.mark.parametrize("how", ["ldap", "starttls", "ldaps"])
def test_the_next_server_is_asked_in_time_where_one_is_silent(how, start, clusters, servers, slapd, authority):
    silent = servers()
    urls = [each.tls_url if how == "ldaps" else each.url for each in (silent, slapd)]
    more = {"start_tls": how == "starttls", "ca_file": "" if how == "ldap" else str(authority.file)}
    with start([], clusters=clusters, **directory(slapd, urls=urls, times={"timeout": "4s"}, **more)) as proxy:
        silent.pause()
        begun = time.monotonic()
        assert outcome(proxy, "anna@example.org") == "east"
        assert time.monotonic() - begun < 4
        # Known by now: nobody else waits for it.
        begun = time.monotonic()
        assert outcome(proxy, "zoe@example.org") == "west"
        assert time.monotonic() - begun < 1.5
        silent.resume()


def test_all_dead_leaves_what_was_known_and_then_trouble(start, clusters, servers):
    slapd = servers()
    with start([], clusters=clusters, **directory(slapd, times={"found_ttl": "100ms", "timeout": "1s"})) as proxy:
        assert outcome(proxy, "anna@example.org") == "east"
        slapd.stop()
        assert outcome(proxy, "anna@example.org") == "east"
        for user in ("zoe@example.org", "carl@example.org"):
            assert outcome(proxy, user).startswith(TEMPORARY)
        failure = [line["failure"] for line in proxy.sessions() if "failure" in line]
        assert f"directory people: {slapd.url} can't be reached" in failure[0]
        # It comes back, and so do the connections.
        slapd.start()
        assert outcome(proxy, "zoe@example.org") == "west"
        assert outcome(proxy, "carl@example.org") == "west"


def test_a_restart_between_two_questions_is_not_noticed(start, clusters, servers):
    slapd = servers()
    with start([], clusters=clusters, **directory(slapd, connections=1)) as proxy:
        assert outcome(proxy, "anna@example.org") == "east"
        slapd.restart()
        assert outcome(proxy, "zoe@example.org") == "west"
        assert value(proxy, "poplar_logins_total", result="ok") == 2


def test_the_password_file_is_read_anew_for_each_connection(start, clusters, servers):
    slapd = servers()
    with start([], clusters=clusters, **directory(slapd, connections=1, times={"stale_ttl": "0s"})) as proxy:
        assert outcome(proxy, "anna@example.org") == "east"
        slapd.change(f"dn: {READER}\nchangetype: modify\nreplace: userPassword\nuserPassword: another one\n")
        slapd.password_file.write_text("another one\n")
        slapd.restart()
        assert outcome(proxy, "zoe@example.org") == "west"
        slapd.password_file.unlink()
        slapd.restart()
        assert outcome(proxy, "renamed@example.org") == "west"  # with the password from before
        slapd.change(f"dn: {READER}\nchangetype: modify\nreplace: userPassword\nuserPassword: a third one\n")
        slapd.restart()
        assert outcome(proxy, "next@example.org").startswith(TEMPORARY)
        failure = proxy.session(3)["failure"]
        assert f"doesn't let bind_dn {READER} in" in failure
        assert f'it was shown the password from before, since password_file "{slapd.password_file}" cannot' in failure


def test_users_that_move_are_found_anew(start, clusters, servers):
    slapd = servers()
    with start([], clusters=clusters, **directory(slapd, times={"found_ttl": "300ms"})) as proxy:
        assert outcome(proxy, "anna@example.org") == "east"
        slapd.change(f"dn: uid=anna,{PEOPLE}\nchangetype: modify\nreplace: mailHost\nmailHost: west\n")
        until(lambda: outcome(proxy, "anna@example.org") == "west", "the user to be found at the new place")


def test_a_directory_that_hangs_keeps_nobody_else_waiting(start, clusters, servers):
    slapd = servers()
    sections = directory(slapd, connections=2, times={"timeout": "3s"})
    sections["routes"].insert(0, {"name": "others", "users": "carl@.*", "cluster": "west"})
    with start([], clusters=clusters, **sections) as proxy:
        assert outcome(proxy, "anna@example.org") == "east"
        slapd.pause()
        waiting = [proxy.connect() for _ in range(6)]
        for index, session in enumerate(waiting):
            session.ok(f"USER user{index}@example.org")
            session.send(b"PASS secret\r\n")
        begun = time.monotonic()
        for _ in range(10):
            assert outcome(proxy, "carl@example.org") == "west"
        assert time.monotonic() - begun < 2
        # Nor do those that it is asked for wait for longer than they have to.
        for session in waiting:
            assert session.line().startswith(TEMPORARY.encode())
            session.close()
        assert time.monotonic() - begun < 4.5
        slapd.resume()


@contextlib.contextmanager
def half_a_message():
    """A server that begins to answer who binds, and says no more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connections.append(connection)
                    connection.recv(1000)
                    connection.sendall(b"\x30\x0c\x02\x01")
        connections = []
        threading.Thread(target=serve, daemon=True).start()
        yield f"ldap://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    for connection in connections:
        connection.close()


def test_half_a_message_is_not_waited_for_longer_than_an_answer(start, clusters, slapd):
    with half_a_message() as url, \
            start([], clusters=clusters, **directory(slapd, urls=[url], times={"timeout": "1s"})) as proxy:
        begun = time.monotonic()
        assert outcome(proxy, "anna@example.org").startswith(TEMPORARY)
        assert time.monotonic() - begun < 3
        assert "gave no answer in time" in proxy.session()["failure"]


@pytest.mark.parametrize("how", ["ldap", "ldaps", "half a message"])
def test_a_directory_that_hangs_does_not_hold_up_the_end(how, start, clusters, servers, authority):
    slapd = servers()
    with contextlib.ExitStack() as stack:
        url = {"ldap": slapd.url, "ldaps": slapd.tls_url}.get(how) or stack.enter_context(half_a_message())
        proxy = stack.enter_context(start([], clusters=clusters, drain={"idle_grace": "200ms", "timeout": "200ms"}, **directory(
            slapd, urls=[url], ca_file=str(authority.file) if how == "ldaps" else "", times={"timeout": "1m"})))
        if how == "ldap":  # one thread has a connection, the others haven't
            assert outcome(proxy, "anna@example.org") == "east"
        slapd.pause()
        with proxy.connect() as session:
            session.ok("USER zoe@example.org")
            session.send(b"PASS secret\r\n")
            until(lambda: proxy.metric("poplar_sessions_active") == 1, "the session to be there")
            begun = time.monotonic()
            proxy.stop()
            assert time.monotonic() - begun < 5
        slapd.resume()


def test_openssl_is_not_loaded_by_it(start, clusters, slapd, authority):
    plugins = pathlib.Path("/usr/lib/x86_64-linux-gnu/sasl2")
    assert list(plugins.glob("libscram.so*")), "libsasl2-modules, whose plugins link OpenSSL, isn't here"
    for more in ({}, {"start_tls": True, "ca_file": str(authority.file)},
                 {"urls": [slapd.tls_url], "ca_file": str(authority.file)}):
        with start([], clusters=clusters, **directory(slapd, **more)) as proxy:
            assert outcome(proxy, "anna@example.org") == "east"
            maps = pathlib.Path(f"/proc/{proxy.child.pid}/maps").read_text()
            assert "libldap" in maps
            assert not [name for name in ("libssl.so.3", "libcrypto.so.3", "/sasl2/") if name in maps]


def test_it_is_never_told_a_password_of_a_user(start, clusters, servers):
    slapd = servers()
    with start([], clusters=clusters, **directory(slapd)) as proxy:
        outcome(proxy, "anna@example.org", "s3cret-of-anna")
    assert slapd.binds() == 1
    assert "s3cret-of-anna" not in (slapd.folder / "output.log").read_text()


def poplar(binary, *arguments):
    done = subprocess.run([str(binary), *map(str, arguments)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_poplar_route_asks_it(proxy, binary, start, clusters, servers):
    code, text = poplar(binary, "route", "Zoe@example.org", "renamed@example.org", "carl@example.org",
                        "--config", proxy.file)
    assert code == 0, text
    assert "cluster west, by route people:" in text and "1. west-1" in text
    assert "by route people, there called m4711:" in text
    assert "carl@example.org, cluster west, by route rest:\n  (route people: unknown to directory people)" in text
    code, text = poplar(binary, "route", "twin@example.org", "--config", proxy.file)
    assert code == 1 and "several entries fit the user" in text
    gone = servers()
    with start([], clusters=clusters, **directory(gone)) as other:
        gone.stop()
        code, text = poplar(binary, "route", "zoe@example.org", "--config", other.file)
        assert code == 1 and f"directory people: {gone.url} can't be reached" in text


def test_the_running_one_is_asked_for_a_route(proxy):
    """As a login would ask it."""
    def route(user):
        status, text = proxy.get(f"/api/v1/route?user={user}")
        return status, json.loads(text)

    status, found = route("Zoe@example.org")
    assert status == 200 and (found["cluster"], found["route"]) == ("west", "people"), found
    assert route("renamed@example.org")[1]["login"] == "m4711"
    unknown = route("carl@example.org")[1]
    assert unknown["route"] == "rest" and unknown["passed"] == ["route people: unknown to directory people"]
    status, trouble = route("twin@example.org")
    assert status == 503 and "directory people" in trouble["error"]


def test_poplar_check_finds_what_can_be_found(proxy, binary, tmp_path):
    file = tmp_path / "poplar.yaml"
    text = proxy.file.read_text()
    file.write_text(text.replace("(mail=%u)", "(mail=%u").replace(str(proxy.ldap_password), "/no/password"))
    code, told = poplar(binary, "check", "--config", file)
    assert code == 1
    assert 'directories[0].ldap.filter: "(mail=%u" lacks a )' in told
    file.write_text(text.replace(str(proxy.ldap_password), "/no/password"))
    code, told = poplar(binary, "check", "--config", file)
    assert code == 1 and 'ldap.password_file: "/no/password" cannot be read' in told
    assert poplar(binary, "check", "--config", proxy.file)[0] == 0


def test_a_ca_file_that_is_none_keeps_poplar_from_starting(start, clusters, slapd, tmp_path):
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
    with pytest.raises(AssertionError, match="directory people: ca_file .*nothing.pem has no CA certificates"):
        start([], clusters=clusters, **directory(slapd, urls=[slapd.tls_url], ca_file=str(nothing)))
