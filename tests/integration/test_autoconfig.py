"""Clients set themselves up: real requests, documents judged by schemas, and a real Thunderbird that reads its mail."""

import base64
import hashlib
import json
import pathlib
import plistlib
import re
import socket
import subprocess
import time
import uuid

import pytest
from dovecot import Dovecot
from fake_node import FakeNode
from poplar import BINARY, node
from ports import free_port
from private_network import PrivateNetwork
from process_memory import count_in_memory
from thunderbird import Thunderbird
from waiting import until

SCHEMAS = pathlib.Path(__file__).with_name("schemas")
ADDRESS = "anna@example.org"
OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
NAMES = ["pop.example.org", "autoconfig.example.org", "autodiscover.example.org"]


def settings(http: int, https: int, **more):
    return {"listen": [{"address": f"127.0.0.1:{http}"}, {"address": f"127.0.0.1:{https}", "tls": True}],
            "domains": ["example.org", "example.net"], "server": "pop.example.org", "display_name": "Mail & <more>",
            "incoming": [{"listener": "pop3s", "port": 995}],
            "outgoing": [{"host": "smtp.example.org"}, {"host": "smtp.example.org", "port": 587, "security": "starttls"}],
            **more}


class Served:
    """A Poplar that tells clients of itself."""

    def __init__(self, start, authority, nodes=None, log=None, **more):
        self.authority = authority
        self.http, self.https = free_port(), free_port()
        self.node = None if nodes else FakeNode()
        certificates = [authority.issue("poplar", ["localhost", "127.0.0.1"]),
                        authority.issue("autoconfig", NAMES)]
        sections = {"log": log} if log else {}
        self.poplar = start(nodes or [node("fake", self.node.port)], certificates=certificates,
                            autoconfig=settings(self.http, self.https, **more), **sections)

    def __enter__(self):
        self.poplar.__enter__()
        return self

    def __exit__(self, *what):
        self.poplar.__exit__(*what)
        if self.node:
            self.node.stop()

    def curl(self, url: str, *options, body: bytes = None):
        """(status, headers, body) of a request to one of the NAMES."""
        resolve = [word for name in NAMES for scheme, port in (("80", self.http), ("443", self.https))
                   for word in ("--connect-to", f"{name}:{scheme}:127.0.0.1:{port}")]
        done = subprocess.run(["curl", "--silent", "--show-error", "--include", "--max-time", "20", "--cacert",
                               self.authority.file, *resolve, *options, url], input=body, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        text = done.stdout
        while text.startswith(b"HTTP/1.1 100"):
            text = text.partition(b"\r\n\r\n")[2]
        header, _, rest = text.partition(b"\r\n\r\n")
        first, *lines = header.decode().split("\r\n")
        return int(first.split()[1]), {name.lower(): value for name, value in
                                       (line.split(": ", 1) for line in lines)}, rest

    def get(self, url: str, *options):
        """The body of a good answer."""
        status, _, body = self.curl(url, *options)
        assert status == 200, (status, body)
        return body

    def post(self, text: str, url="https://autodiscover.example.org/autodiscover/autodiscover.xml", *options):
        return self.curl(url, "--header", "Content-Type: text/xml", "--data-binary", "@-", *options, body=text.encode())

    def counted(self, form: str, result: str) -> int:
        lines = self.poplar.get("/metrics")[1]
        found = re.search(rf'poplar_autoconfig_requests_total{{form="{form}",result="{result}"}} (\d+)', lines)
        return int(found[1])

    def connect(self, port=None):
        return socket.create_connection(("127.0.0.1", port or self.http), timeout=20)


@pytest.fixture(scope="module")
def served(start, authority):
    with Served(start, authority) as made:
        yield made


def valid(kind: str, schema: str, document: bytes) -> bytes:
    done = subprocess.run(["xmllint", "--noout", "--nonet", f"--{kind}", SCHEMAS / schema, "-"], input=document,
                          capture_output=True)
    assert done.returncode == 0, done.stderr.decode() + document.decode()
    return document


def question(address: str, schema: str = OUTLOOK) -> str:
    return ('<?xml version="1.0" encoding="utf-8"?>\r\n<Autodiscover xmlns="http://schemas.microsoft.com/exchange/'
            f'autodiscover/outlook/requestschema/2006"><Request><EMailAddress>{address}</EMailAddress>'
            f'<AcceptableResponseSchema>{schema}</AcceptableResponseSchema></Request></Autodiscover>')


# --- the documents

@pytest.mark.parametrize("url", [
    "https://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=anna%40example.org",
    "http://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=anna@Example.org",
    "https://autoconfig.example.org/.well-known/mail-v1.xml?emailaddress=anna@example.org",
    "http://pop.example.org/.well-known/autoconfig/mail/config-v1.1.xml",
])
def test_thunderbirds_form_is_valid(served, url):
    document = valid("relaxng", "config-v1.1.rng", served.get(url))
    assert b"<displayName>Mail &amp; &lt;more&gt;</displayName>" in document
    assert document.count(b"<incomingServer") == 1 and document.count(b"<outgoingServer") == 2
    assert (b"example.net" in document) == ("emailaddress" not in url)


def test_outlooks_form_is_valid(served):
    status, headers, document = served.post(question(ADDRESS))
    assert status == 200 and headers["content-type"].startswith("text/xml")
    valid("schema", "autodiscover.xsd", document)
    assert re.findall(rb"<(Type|Server|Port|SSL|SPA|LoginName)>([^<]*)<", document) == [
        (b"Type", b"POP3"), (b"Server", b"pop.example.org"), (b"Port", b"995"), (b"LoginName", ADDRESS.encode()),
        (b"SPA", b"off"), (b"SSL", b"on"),
        (b"Type", b"SMTP"), (b"Server", b"smtp.example.org"), (b"Port", b"465"), (b"LoginName", ADDRESS.encode()),
        (b"SPA", b"off"), (b"SSL", b"on")]


def test_outlook_is_told_what_is_wrong(served):
    for text, code in ((question("anna@elsewhere.org"), b"500"), (question("&lt;script&gt;@example.org"), b"600"),
                       ("nonsense", b"600"), ("<!DOCTYPE a>" + question(ADDRESS), b"600"),
                       (question(ADDRESS, OUTLOOK.replace("outlook", "mobilesync")), b"601")):
        status, _, document = served.post(text)
        assert status == 200
        assert b"<ErrorCode>%s</ErrorCode>" % code in valid("schema", "autodiscover.xsd", document)
        assert b"script" not in document


def test_outlook_is_sent_to_https(served):
    status, headers, _ = served.curl("http://autodiscover.example.org/Autodiscover/Autodiscover.xml")
    assert (status, headers["location"]) == (302, "https://pop.example.org/autodiscover/autodiscover.xml")
    asked = served.get("https://autodiscover.example.org/AUTODISCOVER/autodiscover.xml?Email=anna@example.org")
    valid("schema", "autodiscover.xsd", asked)


def test_apples_form_is_a_profile(served):
    status, headers, document = served.curl(
        "https://pop.example.org/apple.mobileconfig?emailaddress=o'neil%26co@example.org")
    assert status == 200 and headers["content-type"] == "application/x-apple-aspen-config"
    profile = plistlib.loads(document)
    (mail,) = profile.pop("PayloadContent")
    assert {key: type(value) for key, value in profile.items()} == {
        "PayloadDescription": str, "PayloadDisplayName": str, "PayloadIdentifier": str, "PayloadOrganization": str,
        "PayloadRemovalDisallowed": bool, "PayloadType": str, "PayloadUUID": str, "PayloadVersion": int}
    assert (profile["PayloadType"], profile["PayloadVersion"]) == ("Configuration", 1)
    for payload in (profile, mail):
        assert str(uuid.UUID(payload.pop("PayloadUUID"))).upper()
        assert re.fullmatch(r"org\.example\.poplar\.[0-9A-F]{8}(\.mail)?", payload.pop("PayloadIdentifier"))
    user = "o'neil&co@example.org"
    # https://developer.apple.com/documentation/devicemanagement/mail
    assert mail == {
        "EmailAccountDescription": "Mail & <more>", "EmailAccountType": "EmailTypePOP", "EmailAddress": user,
        "IncomingMailServerAuthentication": "EmailAuthPassword", "IncomingMailServerHostName": "pop.example.org",
        "IncomingMailServerPortNumber": 995, "IncomingMailServerUseSSL": True, "IncomingMailServerUsername": user,
        "OutgoingMailServerAuthentication": "EmailAuthPassword", "OutgoingMailServerHostName": "smtp.example.org",
        "OutgoingMailServerPortNumber": 465, "OutgoingMailServerUseSSL": True, "OutgoingMailServerUsername": user,
        "OutgoingPasswordSameAsIncomingPassword": True, "PayloadDisplayName": "Mail & <more>",
        "PayloadType": "com.apple.mail.managed", "PayloadVersion": 1}
    again = served.get("https://pop.example.org/mobileconfig?emailaddress=o'neil%26co@example.org")
    assert again == document


def test_dns_records_and_paccs_form_fit_each_other(served):
    document = served.get("https://pop.example.org/.well-known/user-agent-configuration.json")
    assert json.loads(document) == {
        "protocols": {"pop3": {"host": "pop.example.org"}, "submit": {"host": "smtp.example.org"}},
        "authentication": {"password": True}, "info": {"provider": {"name": "Mail & <more>"}}}
    printed = subprocess.run([BINARY, "autoconfig", "dns", "--config", served.poplar.file], capture_output=True, text=True,
                             check=True).stdout
    digest = base64.b64encode(hashlib.sha256(document).digest()).decode()
    assert f'_ua-auto-config.example.net. 3600 IN TXT "v=UAAC1; a=sha256; d={digest}"' in printed
    assert "_pop3s._tcp.example.org. 3600 IN SRV 0 1 995 pop.example.org.\n" in printed


# --- requests

def test_what_is_no_question_gets_a_small_answer(served):
    before = served.counted("none", "not_found")
    for status, url, *options in (
            (404, "http://pop.example.org/"),
            (404, "http://pop.example.org/admin"),
            (404, "http://pop.example.org/mail/config-v1.1.xml?emailaddress=anna@elsewhere.org"),
            (400, "http://pop.example.org/mail/config-v1.1.xml?emailaddress=%3Cb%3E@example.org"),
            (400, "http://pop.example.org/mobileconfig"),
            (405, "http://pop.example.org/mail/config-v1.1.xml", "--data", "a=b"),
            (405, "http://pop.example.org/mail/config-v1.1.xml", "--request", "OPTIONS"),
            (411, "http://pop.example.org/autodiscover/autodiscover.xml", "--data", "a", "--header",
             "Transfer-Encoding: chunked"),
            (431, "http://pop.example.org/", "--header", "A: " + "b" * 9000)):
        found, headers, body = served.curl(url, *options)
        assert found == status, url
        assert len(body) < 100 and headers["content-type"].startswith("text/plain")
        assert headers["connection"] == "close"
    assert served.counted("none", "not_found") == before + 2


def test_bodies_are_bounded(served):
    text = question(ADDRESS)
    padded = text + " " * (64 * 1024 - len(text))
    assert served.post(padded, "https://pop.example.org/autodiscover/autodiscover.xml", "--header",
                       "Expect: 100-continue")[0] == 200
    assert served.post(padded + " ")[0] == 413


def test_head_has_no_body(served):
    status, headers, body = served.curl("https://autoconfig.example.org/mail/config-v1.1.xml", "--head")
    assert status == 200 and int(headers["content-length"]) > 500 and body == b""


def test_https_is_no_pop3_and_pop3_no_https(served):
    def agreed(port, *protocols):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-alpn", ",".join(protocols)],
                              input=b"", capture_output=True, timeout=20)
        return re.search(rb"ALPN protocol: (\S+)", done.stdout)
    assert agreed(served.https, "h2", "http/1.1")[1] == b"http/1.1"
    assert agreed(served.https, "pop3") is None
    assert agreed(served.poplar.port, "http/1.1") is None
    assert agreed(served.poplar.port, "pop3")[1] == b"pop3"


def test_nobody_is_waited_for(served):
    timeouts = served.counted("none", "timeout")
    began = time.monotonic()
    with served.connect() as silent, served.connect(served.https) as shy, served.connect() as slow:
        slow.sendall(b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")
        assert (silent.recv(100), shy.recv(100), slow.recv(100)) == (b"", b"", b"")
    assert 4 < time.monotonic() - began < 8
    until(lambda: served.counted("none", "timeout") == timeouts + 3, "three timeouts counted")


def test_a_crowd_keeps_nobody_from_their_mail(start, authority):
    with Served(start, authority, connections=20) as made:
        crowd = [made.connect() for _ in range(20)]
        until(lambda: made.connect().recv(1) == b"", "one too many to be closed")
        assert made.counted("none", "refused") >= 1
        session = made.poplar.connect()
        session.ok("QUIT")
        for each in crowd:
            each.close()
        until(lambda: made.counted("none", "broken") + made.counted("none", "timeout") >= 20, "the crowd's end")
        assert made.get("http://pop.example.org/mail/config-v1.1.xml")


def test_passwords_are_neither_kept_nor_logged(start, authority, folder):
    """Both clients send them to Autodiscover, unasked."""
    log = folder / "chatty.log"
    password, token = "Zx9secretQ7", base64.b64encode(b"anna@example.org:Zx9secretQ7")
    with Served(start, authority, log={"format": "json", "level": "debug", "output": str(log)}) as made:
        made.poplar.log = log
        # Without TLS: the library frees its records as they are, readable, and others then write there.
        for _ in range(3):
            status, _, _ = made.post(question(ADDRESS), "http://pop.example.org/autodiscover/autodiscover.xml",
                                     "--user", f"{ADDRESS}:{password}")
            assert status == 200
        until(lambda: log.read_text().count("asked for autodiscover: ok") == 3, "the lines of them")
        text = log.read_text()
        assert "anna" not in text and password not in text and token.decode() not in text
        # What is in the configuration is there: the search finds things.
        assert count_in_memory(made.poplar.child.pid, b"smtp.example.org") > 0
        assert count_in_memory(made.poplar.child.pid, token) == 0


def test_it_stops_with_clients_in_the_midst(start, authority):
    with Served(start, authority) as made:
        with made.connect() as waiting:
            made.poplar.terminate()
            until(lambda: not made.poplar.child.alive(), "its end", 10)
            waiting.settimeout(5)
            assert waiting.recv(1) == b""


# --- a real client

# What Thunderbird's assistant does: find the settings, log in by them, make the account; then fetch its mail.
SET_UP = """
const address = given[0];
const load = name => ChromeUtils.importESModule(`resource:///modules/${name}.sys.mjs`);
const {FindConfig} = load("accountcreation/FindConfig");
const {AccountConfig} = load("accountcreation/AccountConfig");
const {ConfigVerifier} = load("accountcreation/ConfigVerifier");
const {CreateInBackend} = load("accountcreation/CreateInBackend");
const {MailServices} = load("MailServices");
const {signal} = new AbortController();
const config = (await FindConfig.parallelAutoDiscovery(address.split("@")[1], address, signal).next()).value;
AccountConfig.replaceVariables(config, "Anna", address, "secret");
await new ConfigVerifier(null, signal).verifyConfig(config, false);
const server = (await CreateInBackend.createAccountInBackend(config)).incomingServer;
const inbox = server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
await new Promise((resolve, reject) => MailServices.pop3.GetNewMail(null, {
  OnStartRunningUrl() {},
  OnStopRunningUrl(url, status) { Components.isSuccessCode(status) ? resolve() : reject("fetching: " + status); },
}, inbox, server));
const told = each => [each.type, each.hostname, each.port, each.socketType, each.auth, each.username];
return {source: config.subSource, name: config.displayName, incoming: told(config.incoming),
        outgoing: told(config.outgoing), messages: [...inbox.messages].map(each => each.subject)};
"""
TLS, STARTTLS, PASSWORD = 3, 2, 3  # nsMsgSocketType, nsMsgAuthMethod


def test_thunderbird_sets_itself_up(start, authority, folder, node_certificate):
    """Its user types an address and a password, and has mail: over HTTPS and HTTP, ports and names of the real world."""
    with PrivateNetwork(), Dovecot(folder / "node", "node", node_certificate, [ADDRESS], folder / "mail") as dovecot:
        dovecot.deliver(ADDRESS, {"first": b"Subject: first\r\n\r\nHello\r\n", "second": b"Subject: second\r\n\r\nHo\r\n"})
        poplar = start([node("node", dovecot.pop3_port)], certificates=[authority.issue("all", NAMES)],
                       listener={"address": "127.0.0.1:995"},
                       autoconfig=settings(80, 443, display_name="Example", incoming=[]))
        with poplar, Thunderbird(folder / "thunderbird", [*NAMES, "example.org"]) as thunderbird:
            thunderbird.trust(authority.file)
            assert thunderbird.run(SET_UP, ADDRESS) == {
                "source": "xml-from-isp-https", "name": "Example",
                "incoming": ["pop3", "pop.example.org", 995, TLS, PASSWORD, ADDRESS],
                "outgoing": ["smtp", "smtp.example.org", 465, TLS, PASSWORD, ADDRESS],
                "messages": ["first", "second"]}
            assert poplar.session()["user"] == ADDRESS
