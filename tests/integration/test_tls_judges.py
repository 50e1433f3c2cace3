"""testssl.sh and sslscan judge the TLS that a running Poplar shows to clients: no finding at MEDIUM or above.

The certificate is the test's: it is made so that the judges find nothing at it either (a year, a place for
revocation lists, the CA made known), and no finding is left out of account.
"""

import json
import re
import subprocess

import pytest

from fake_node import FakeNode
from poplar import node

# Sections of testssl.sh, each run by itself so that they run in parallel: protocols and cipher categories, forward secrecy,
# server preferences, server defaults (certificate included), vulnerabilities. Left out: simulated browsers.
# Behind STLS, the same machinery answers; the section that would show most is enough.
SECTIONS = {"protocols": ["-p", "-s", "-f"], "preferences": ["-P"], "defaults": ["-S"], "vulnerabilities": ["-U"],
            "stls": ["-p", "-f", "-t", "pop3"]}
# What each section must have looked at; a run that judged nothing would find nothing.
EXPECTED = {
    "protocols": {"SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3", "cipherlist_NULL", "PFS"},
    "stls": {"SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3", "PFS"},
    "preferences": {"cipher_order", "protocol_negotiated"},
    "defaults": {"cert_chain_of_trust", "cert_trust", "cert_expirationStatus", "cert_notAfter"},
    "vulnerabilities": {"heartbleed", "CCS", "ROBOT", "secure_client_renego", "BEAST", "RC4", "LUCKY13"},
}
HARMLESS = {"OK", "INFO", "LOW", "DEBUG"}
# What a judge could not look at, both for reasons of its own: its openssl has no engines; and it leaves before the ticket
# is there whose use it would try (test_tls.py tries it).
UNSEEN = {("engine_problem", "WARN"), ("sessionresumption_ticket", "WARN")}


@pytest.fixture(scope="module")
def proxy(start, authority):
    certificates = [authority.issue(f"judged-{kind}", ["localhost"], kind, days=365,
                                    extra="crlDistributionPoints=URI:http://crl.test/ca.crl\n")
                    for kind in ("ecdsa", "rsa")]
    with FakeNode() as fake, start([node("fake", fake.port)], certificates=certificates,
                                   also={"stls": {"tls": "stls"}}) as made:
        yield made


@pytest.fixture(scope="module")
def findings(proxy, folder):
    """What testssl.sh says, by section: name -> list of findings."""
    running = {}
    for name, options in SECTIONS.items():
        file = folder / f"testssl-{name}.json"
        port = proxy.ports["stls"] if name == "stls" else proxy.port
        running[name] = file, subprocess.Popen(
            ["testssl", *options, "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1", "--nodns",
             "none",
             "--add-ca", proxy.authority.file, "--jsonfile", file, f"localhost:{port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found = {}
    for name, (file, process) in running.items():
        output, _ = process.communicate(timeout=500)
        assert file.exists(), output
        found[name] = json.loads(file.read_text())
    return found


@pytest.mark.parametrize("section", SECTIONS)
def test_testssl_finds_nothing(section, findings):
    names = {finding["id"].split(" ")[0] for finding in findings[section]}
    assert EXPECTED[section] <= names, f"not looked at: {EXPECTED[section] - names}"
    bad = [finding for finding in findings[section]
           if finding["severity"] not in HARMLESS and (finding["id"], finding["severity"]) not in UNSEEN]
    assert not bad, json.dumps(bad, indent=1)


@pytest.mark.parametrize("options", [[], ["--starttls-pop3"]], ids=["implicit", "stls"])
def test_sslscan_sees_only_what_we_offer(options, proxy):
    port = proxy.ports["stls"] if options else proxy.port
    done = subprocess.run(["sslscan", "--no-colour", "--show-certificate", *options, f"localhost:{port}"], timeout=60,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    said = done.stdout
    assert done.returncode == 0, said
    versions = dict(re.findall(r"^((?:SSL|TLS)v[0-9.]+)\s+(enabled|disabled)$", said, re.MULTILINE))
    assert versions == {"SSLv2": "disabled", "SSLv3": "disabled", "TLSv1.0": "disabled", "TLSv1.1": "disabled",
                        "TLSv1.2": "enabled", "TLSv1.3": "enabled"}
    ciphers = re.findall(r"^(?:Preferred|Accepted)\s+(TLSv1\.[23])\s+(\d+) bits\s+(\S+)", said, re.MULTILINE)
    assert len(ciphers) >= 6, said
    for version, bits, name in ciphers:
        assert int(bits) >= 128 and re.search(r"GCM|CHACHA20", name), (version, name)
        assert version == "TLSv1.3" or name.startswith("ECDHE-"), (version, name)
    assert len(re.findall("not vulnerable to heartbleed", said)) == len(re.findall("vulnerable to heartbleed",
                                                                                   said)) > 0
    assert "Session renegotiation not supported" in said
