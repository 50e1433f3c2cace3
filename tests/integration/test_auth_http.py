"""nginx's auth_http: the same service behind nginx and behind Poplar, with the same outcome; and what Poplar adds."""

import collections
import ssl
import time

import pytest

import corpus
from auth_service import AuthService, at, directory, plain
from dovecot import Dovecot
from exposition import value
from nginx_mail import NginxMail
from poplar import node
from ports import free_port
from waiting import until
from wire import Pop3, tls_context

USERS = ["anna@example.org", "moved@example.org", "other", "odd@example.org", "gone@example.org"]
TEMPORARY = b"-ERR [SYS/TEMP] "


@pytest.fixture(scope="module")
def places(folder, node_certificate):
    with Dovecot(folder / "east", "east", node_certificate, USERS) as east, \
            Dovecot(folder / "west", "west", node_certificate, USERS) as west:
        for place in (east, west):
            for user in USERS:
                place.deliver(user, {"one": corpus.message("one", f"mail in the {place.name}\r\n".encode())})
        yield {"east": east, "west": west}


def answers(places):
    east, west = places["east"].pop3_port, places["west"].pop3_port

    def waits(headers):
        return {"Auth-Status": "Invalid login or password", "Auth-Wait": "1"}

    asked = collections.Counter()

    def later(headers):
        """Every other time."""
        asked["later"] += 1
        return {"Auth-Status": "WAIT", "Auth-Wait": "1"} if asked["later"] % 2 else at(west)(headers)

    return {
        "anna@example.org": at(east),
        "moved@example.org": at(west),
        "renamed@example.org": at(west, **{"Auth-User": "other"}),
        "inner@example.org": at(east, "outer", **{"Auth-User": "anna@example.org", "Auth-Pass": "secret"}),
        "odd@example.org": at(east, "s e%c=r\u00e9t", **{"Auth-Pass": "secret"}),
        "waits@example.org": waits,
        "gone@example.org": later,
        "suspended@example.org": lambda _: {"Auth-Status": "Account suspended"},
    }


@pytest.fixture(scope="module")
def service(places):
    with AuthService(answers(places)) as service:
        yield service


@pytest.fixture(scope="module")
def nginx(folder, service, node_certificate, authority):
    with NginxMail(folder / "nginx", service.url, node_certificate, authority.file) as nginx:
        yield nginx


@pytest.fixture(scope="module")
def clusters(places):
    return [{"name": name, "nodes": [node(f"{name}-1", each.pop3_port)]} for name, each in places.items()]


@pytest.fixture(scope="module")
def proxy(start, clusters, service):
    with start([], clusters=clusters, **directory(service.url)) as proxy:
        yield proxy


def outcome(session, user: str, password: str) -> str:
    """Whose mail the login gives, or what the client is told."""
    session.ok(f"USER {user}")
    session.send(f"PASS {password}\r\n".encode())
    answer = session.line()
    if not answer.startswith(b"+OK"):
        return answer.decode().strip()
    body = session.ok("RETR 1")
    session.ok("QUIT")
    return body.split(b"mail in the ")[1].split(b"\r\n")[0].decode()


TABLE = [
    ("anna@example.org", "secret", "east"),
    ("moved@example.org", "secret", "west"),
    ("renamed@example.org", "secret", "west"),
    ("inner@example.org", "outer", "east"),
    ("odd@example.org", "s e%c=r\u00e9t", "east"),
    ("anna@example.org", "wrong", "-ERR Wrong password"),
    ("nobody@example.org", "secret", "-ERR Unknown user"),
    ("suspended@example.org", "secret", "-ERR Account suspended"),
    ("waits@example.org", "secret", "-ERR Invalid login or password"),
    ("gone@example.org", "secret", "west"),
]
# Who have to wait a second, and who are asked for twice.
WAITING, TWICE = {"waits@example.org", "gone@example.org"}, {"gone@example.org"}


@pytest.mark.parametrize("user, password, told", TABLE)
def test_nginx_and_poplar_give_the_same_outcome(user, password, told, nginx, proxy, service):
    seen = []
    for connect in (lambda: Pop3.connect(nginx.port), proxy.connect):
        before = len(service.asked_for(user))
        begun = time.monotonic()
        with connect() as session:
            seen.append((outcome(session, user, password), time.monotonic() - begun >= 1.0,
                         len(service.asked_for(user)) - before))
    assert seen == [(told, user in WAITING, 2 if user in TWICE else 1)] * 2


def test_poplar_tells_the_service_what_nginx_tells(nginx, proxy, service):
    user = "anna@example.org"
    asked = []
    for connect in (lambda: Pop3.connect(nginx.port), proxy.connect):
        service.asked.clear()
        with connect() as session:
            outcome(session, user, "sec ret%\u00e9=")
        asked.append(service.asked_for(user)[0])
    ours = asked[1]
    # TLS, and what the operator adds; nginx has neither here.
    assert ours.pop("auth-ssl") == "on"
    assert ours.pop("auth-ssl-protocol").startswith("TLSv1.")
    assert ours.pop("auth-ssl-cipher") and ours.pop("auth-ssl-verify") == "NONE"
    assert ours.pop("auth-ssl-server-name") == "localhost" and ours.pop("x-auth-key") == "abc"
    # nginx leaves the port out.
    assert ours.pop("host").split(":")[0] == asked[0].pop("host")
    asked[0].pop("connection", None)
    assert ours == asked[0]


def test_both_tell_of_a_clients_certificate(nginx, start, clusters, service, authority):
    user = "anna@example.org"
    made = authority.issue("client-anna", ["Anna, the \u00e4ldest"], usage="clientAuth", alternatives=[user])
    certificate = authority.issue("poplar-mtls", ["localhost", "127.0.0.1"])
    mtls = {"certificates": [{"certificate": str(certificate.certificate), "key": str(certificate.key)}],
            "client_certificates": "optional", "client_ca_file": str(authority.file)}
    told = []
    with start([], clusters=clusters, tls=mtls, **directory(service.url)) as proxy:
        for port in (nginx.secure_port, proxy.port):
            for shown in (False, True):
                context = tls_context(authority.file, minimum_version=ssl.TLSVersion.TLSv1_3)
                if shown:
                    context.load_cert_chain(made.certificate, made.key)
                service.asked.clear()
                with Pop3.connect(port, context) as session:
                    outcome(session, user, "certainly" + "x" * shown)
                asked = service.asked_for(user)[0]
                told.append({name: value for name, value in asked.items() if name.startswith("auth-ssl")})
    without, shown = told[2:]
    # What Poplar says besides.
    assert without.pop("auth-ssl-server-name") == shown.pop("auth-ssl-server-name") == "localhost"
    assert [without, shown] == told[:2]
    assert shown["auth-ssl-verify"] == "SUCCESS" and shown["auth-ssl-subject"].startswith("CN=Anna\\, the")
    assert {"auth-ssl-issuer", "auth-ssl-serial", "auth-ssl-fingerprint"} < set(shown)


def test_connections_are_kept_and_answers_too(start, clusters, places):
    with AuthService(answers(places)) as service, \
            start([], clusters=clusters, **directory(service.url, found_ttl="1h")) as proxy:
        for _ in range(3):
            for user, place in (("anna@example.org", "east"), ("moved@example.org", "west")):
                with proxy.connect() as session:
                    assert outcome(session, user, "secret") == place
        assert len(service.asked) == 2
        assert service.connections <= 2  # one a worker
        # What it said of one password holds for no other.
        with proxy.connect() as session:
            assert outcome(session, "anna@example.org", "wrong") == "-ERR Wrong password"
        assert len(service.asked) == 3


def test_an_answer_is_kept_for_its_time_and_a_user_may_move(start, clusters, places):
    with AuthService(answers(places)) as service, \
            start([], clusters=clusters, **directory(service.url, found_ttl="500ms")) as proxy:
        with proxy.connect() as session:
            assert outcome(session, "anna@example.org", "secret") == "east"
        service.answers["anna@example.org"] = at(places["west"].pop3_port)

        def moved():
            with proxy.connect() as session:
                return outcome(session, "anna@example.org", "secret") == "west"
        until(moved, "the user to be found at the new place")


def test_a_dead_service_leaves_what_was_known_and_then_trouble(start, clusters, places):
    service = AuthService(answers(places))
    with start([], clusters=clusters,
               **directory(service.url, found_ttl="100ms", timeout="1s")) as proxy:
        with proxy.connect() as session:
            assert outcome(session, "anna@example.org", "secret") == "east"
        service.stop()
        with proxy.connect() as session:
            assert outcome(session, "anna@example.org", "secret") == "east"
        # Never a guess: not for a user, nor for a password that it wasn't asked about.
        for user, password in (("moved@example.org", "secret"), ("anna@example.org", "wrong")):
            with proxy.connect() as session:
                assert outcome(session, user, password).encode().startswith(TEMPORARY)
        assert value(proxy, "poplar_logins_total", result="directory_unavailable") == 2
        failure = [line["failure"] for line in proxy.sessions() if "failure" in line]
        assert f"directory auth: {service.url}" in failure[0] and "refused" in failure[0]


def test_the_next_service_is_asked_where_one_is_dead(start, clusters, places):
    dead = f"http://127.0.0.1:{free_port()}/auth"
    with AuthService(answers(places)) as service, \
            start([], clusters=clusters, **directory(dead, service.url)) as proxy:
        with proxy.connect() as session:
            assert outcome(session, "moved@example.org", "secret") == "west"


def test_a_service_may_name_clusters_and_know_nobody(start, clusters):
    told = {"anna@example.org": lambda headers: {"Auth-Status": "OK", "Auth-Cluster": "west/west-1"},
            "other": lambda headers: (404, {}),
            "gone@example.org": lambda headers: {"Auth-Status": "OK", "Auth-Cluster": "south"},
            "moved@example.org": lambda headers: (500, {})}
    with AuthService(told) as service, start([], clusters=clusters, **directory(service.url)) as proxy:
        for user, place in (("anna@example.org", "west"), ("other", "east")):
            with proxy.connect() as session:
                assert outcome(session, user, "secret") == place
        for user in ("gone@example.org", "moved@example.org"):
            with proxy.connect() as session:
                assert outcome(session, user, "secret").encode().startswith(TEMPORARY)


def test_logins_of_one_user_ask_once(start, clusters, places):
    def slow(headers):
        time.sleep(1)  # as a service under load
        return at(places["east"].pop3_port)(headers)

    with AuthService({"anna@example.org": slow}) as service, \
            start([], clusters=clusters, **directory(service.url)) as proxy:
        sessions = [proxy.connect() for _ in range(6)]
        for session in sessions:
            session.ok("USER anna@example.org")
            session.send(b"PASS secret\r\n")
        for session in sessions:
            assert session.line().startswith(b"+OK")
            session.close()
        assert len(service.asked) == 1


def test_a_service_that_hangs_costs_its_timeout_and_no_more(start, clusters):
    def hangs(headers):
        time.sleep(3)
        return {"Auth-Status": "OK"}

    with AuthService({"anna@example.org": hangs}) as service, \
            start([], clusters=clusters, **directory(service.url, timeout="500ms")) as proxy:
        with proxy.connect() as session:
            begun = time.monotonic()
            assert outcome(session, "anna@example.org", "secret").encode().startswith(TEMPORARY)
            assert time.monotonic() - begun < 2.5
        assert "gave no answer in time" in proxy.session()["failure"]


def test_names_and_passwords_cannot_become_headers(proxy, service):
    service.asked.clear()
    user = "x%0d%0aAuth-Status: OK"
    with proxy.connect() as session:
        session.ok(f"USER {user}")
        assert session.command("PASS a\tb").startswith(b"-ERR")
    asked = service.asked_for(user)
    assert len(asked) == 1 and plain(asked[0]["auth-pass"]) == "a\tb"
    assert "auth-status" not in asked[0]
