"""The status page of the admin endpoint, as a browser shows it: real nodes, real load, Chromium."""

import base64
import json
import re
import urllib.error
import urllib.request

import pytest

from browser import chromium
from fake_node import FakeNode
from poplar import ROOT, node
from status_stand import ARCHIVE, NODES, TOKEN, USERS, StatusStand
from waiting import until

_AXE = ROOT / "build" / "clients" / "axe-core" / "axe.min.js"
_HOSTILE = "<img/src=x/onerror=document.title='owned'>"


@pytest.fixture(scope="module")
def stand(folder, start, authority, node_certificate):
    with StatusStand(folder / "stand", start, authority, node_certificate) as made, made.at_work(pause=3.0):
        yield made


@pytest.fixture(scope="module")
def browser(folder):
    with chromium(folder) as made:
        yield made


@pytest.fixture
def show(browser):
    """show(url, **options) opens the page. In the end nothing was complained about but `excused`, and nobody else asked."""
    opened = []

    def open_it(url, excused=(), **options):
        browser.open_tab(url, **options)
        opened.append((url, excused))
        return browser

    yield open_it
    for url, excused in opened:
        assert [each for each in browser.complaints() if not any(part in each for part in excused)] == []
        assert browser.origins() == {re.sub(r"^http://(.*@)?|/.*$", "", url)}


@pytest.fixture
def page(stand, show):
    made = show(stand.url)
    made.until_text("#nodes", " ms")  # the first poll's
    return made


def row(browser, name: str) -> str:
    """What the table says of a node, in a line."""
    found = [text for text in browser.texts("#nodes tr") if text.startswith(name)]
    assert len(found) == 1, f"{name}: {found}"
    return " ".join(found[0].split())


def until_row(browser, name: str, pattern: str):
    return until(lambda: re.search(pattern, row(browser, name)), f"{pattern} in the row of {name}", every=0.1)


def states(proxy):
    status, text = proxy.get("/nodes")
    assert status == 200
    return {each["node"]: each["admin_state"] for cluster in json.loads(text)["clusters"] for each in cluster["nodes"]}


def unlock(browser, token: str = TOKEN):
    browser.find("#token summary").click()
    browser.find("#token-field").send_keys(token)
    browser.find("#token-form button[type=submit]").click()
    assert browser.text("#token-state") == "unlocked"


def press(browser, selector: str):
    """A button, and Yes."""
    browser.find(selector).click()
    until(lambda: browser.find("#confirm").is_displayed(), "to be asked", every=0.05)
    browser.find("#confirm-yes").click()


def button(name: str) -> str:
    return f'#nodes button[data-node="{name}"]'


# --- what it shows

def test_it_shows_the_process_and_all_nodes(page):
    assert page.text("#readiness") == "ready" and page.run("return document.title") == "Poplar: ready"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", page.text("#version"))
    assert "pop3s 127.0.0.1:" in page.text("#listeners") and page.text("#workers").startswith("2 on ")
    for name in (*NODES, ARCHIVE):
        until_row(page, name, r" up .*\d+ in use, \d+ warm, \d+ parked of 20 .*\d ms")


def test_its_figures_follow(page):
    """Logins are counted, go through the chart's legend, and the sessions are now more, now fewer."""
    until(lambda: re.search(r"good [1-9]", page.text("#chart-logins .legend")), "logins a second", every=0.1)
    until(lambda: re.search(r"median [\d.]+ ms", page.text("#chart-login-time .legend")), "a median", every=0.1)
    seen = set()
    until(lambda: seen.add(page.text("#sessions")) or len(seen) > 2, "the sessions to change", every=0.2)


@pytest.mark.parametrize("chart, color", [("logins", "--good"), ("sessions", "--good"), ("login-time", "--blue"),
                                          ("mail", "--blue")])
def test_charts_are_drawn(page, chart, color):
    """Pixels of the line's own colour: of a line across some of the chart, not of nothing or everything."""
    script = """
      const canvas = document.querySelector(arguments[0] + " canvas");
      const name = getComputedStyle(document.documentElement).getPropertyValue(arguments[1]).trim();
      const wanted = [1, 3, 5].map((at) => parseInt(name.slice(at, at + 2), 16));
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {willReadFrequently: true});
      copy.drawImage(canvas, 0, 0);
      const {data} = copy.getImageData(0, 0, canvas.width, canvas.height);
      let found = 0;
      for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] > 200 && wanted.every((value, index) => Math.abs(data[at + index] - value) < 12)) found += 1;
      }
      return found;"""
    until(lambda: 15 < page.run(script, f"#chart-{chart}", color) < 5000, f"a line in {chart}", every=0.2)


def test_what_went_wrong_is_counted(page):
    until(lambda: re.search(r"Login\s+rejected [1-9]", " ".join(page.text("#failures").split())), "a wrong password", every=0.2)
    assert "quit" not in page.text("#failures") and " ok" not in page.text("#failures")
    assert not page.find("#no-failures").is_displayed()


def test_certificates_with_their_days(page):
    shown = [" ".join(text.split()) for text in page.texts("#certificates tr")]
    assert len(shown) == 2
    for line, days, tone in zip(shown, (79, 11), ("good", "warn")):
        assert re.search(rf" \d{{4}}-\d\d-\d\d {days}$", line), line
        assert page.find(f"#certificates [data-tone={tone}]") is not None


def test_quantiles_and_rates(page):
    """As Prometheus estimates them; and what began anew has no past."""
    got = page.run("""return import("/assets/history.js").then(({History, quantile, rate}) => {
      const before = {count: 0, buckets: [[1, 0], [2, 0], [4, 0]]};
      const after = {count: 10, buckets: [[1, 5], [2, 5], [4, 9]]};
      const history = new History();
      for (const now of [0, 10, 20, 700]) history.add({started: 1, now, count: now * 2});
      const counted = rate(history.before(600), history.latest, (each) => each.count);
      history.add({started: 2, now: 800, count: 0});
      return [quantile(before, after, 0.5), quantile(before, after, 0.7), quantile(before, after, 0.99),
              quantile(after, after, 0.5) === undefined, counted, history.before(600).now];
    });""")
    assert got == [1, 3, 4, True, 2, 800]


# --- nodes that fail

def test_a_dead_node_with_the_evidence(stand, page):
    name = NODES[2]
    stand.nodes[name].kill()
    try:
        until_row(page, name, r" (down|ejected) .*\w+")
        evidence = page.text(f'{"#nodes tr"}:nth-child(3) .state .sub')
        assert len(evidence) > 10, evidence
        assert page.find("#nodes tr:nth-child(3) [data-tone=bad]") is not None
    finally:
        stand.nodes[name].start()
    until_row(page, name, r" up ")


def test_silence_is_said(folder, start, show):
    with FakeNode() as fake, start([node("fake", fake.port)], health={"probe": "capa"}) as proxy:
        browser = show(f"http://127.0.0.1:{proxy.admin_port}/", excused=["ERR_CONNECTION_REFUSED"])
        browser.until_text("#nodes", " ms")
    browser.until_text("#notice", "Poplar does not answer; what is shown is")


# --- changes

def test_nothing_changes_without_the_token(page):
    for name in (*NODES, ARCHIVE):
        assert not page.find(button(name)).is_enabled()
    assert "unlock changes with the admin token" in page.text("#locked")


def test_a_wrong_token_is_said_so(stand, show):
    browser = show(stand.url, excused=["401 (Unauthorized)"])
    browser.until_text("#nodes", " ms")
    unlock(browser, "a-token-of-nobody")
    press(browser, button(NODES[0]))
    browser.until_text("#notice", "Not done. Changes need the token of admin.write_token_file")
    assert states(stand.proxy)[NODES[0]] == "up"
    assert browser.text("#token-state") == "locked" and not browser.find(button(NODES[0])).is_enabled()


def test_a_node_is_drained_and_undrained(stand, page):
    name = NODES[0]
    unlock(page)
    press(page, button(name))
    page.until_text("#notice", f"main/{name} drains: it takes no new users.")
    until_row(page, name, r" drain(ing|ed) .*Undrain")
    assert states(stand.proxy)[name] == "drain"
    press(page, button(name))
    until_row(page, name, r" up .*Drain")
    assert states(stand.proxy)[name] == "up"


def test_the_token_is_forgotten_when_told_to(page):
    unlock(page)
    assert page.find(button(NODES[0])).is_enabled()
    page.find("#token summary").click()
    page.find("#token-forget").click()
    assert page.text("#token-state") == "locked" and not page.find(button(NODES[0])).is_enabled()


def test_whoever_cancels_changes_nothing(stand, page):
    unlock(page)
    page.find(button(NODES[1])).click()
    until(lambda: page.find("#confirm").is_displayed(), "to be asked", every=0.05)
    page.find("#confirm button[autofocus]").click()
    assert not page.find("#confirm").is_displayed() and states(stand.proxy)[NODES[1]] == "up"


@pytest.mark.parametrize("keep", [False, True])
def test_the_token_is_kept_only_if_asked_for(page, stand, keep):
    page.find("#token summary").click()
    page.find("#token-field").send_keys(TOKEN)
    if keep:
        page.find("#token-keep").click()
    page.find("#token-form button[type=submit]").click()
    page.open(stand.url)
    until(lambda: page.text("#token-state") == ("unlocked" if keep else "locked"), "the token's state", every=0.1)
    assert TOKEN not in page.run("return document.documentElement.outerHTML + document.cookie + "
                                 "JSON.stringify(localStorage)")


def test_without_a_token_to_be_had_it_says_what_to_do(start, show):
    with FakeNode() as fake, start([node("fake", fake.port)], health={"probe": "capa"}) as proxy:
        # The page outlives the Poplar that it asks.
        browser = show(f"http://127.0.0.1:{proxy.admin_port}/", excused=("net::ERR_CONNECTION_",))
        browser.until_text("#nodes", " ms")
        assert "admin.write_token_file" in browser.text("#locked")
        browser.find("#token summary").click()
        assert "poplar drain NODE" in browser.text("#token-none") and not browser.find("#token-form").is_displayed()


# --- users

def find(browser, user: str):
    browser.find("#find-user").clear()
    browser.find("#find-user").send_keys(user)
    browser.find("#find button").click()


def test_where_a_user_goes_and_why(page):
    find(page, "Ida@Archive.Example.org")
    page.until_text("#found .answer", f"{ARCHIVE} in cluster archive")
    assert page.text("#found .answer").startswith("Ida@Archive.Example.org →")
    reasons = page.text("#found .why")
    assert "The mailbox is ida@archive.example.org." in reasons and "“archived”" in reasons
    assert page.texts("#found .choices tbody th") == [ARCHIVE]
    find(page, USERS[3])
    page.until_text("#found .answer", "in cluster main")
    assert sorted(page.texts("#found .choices tbody th")) == sorted(NODES)
    assert all(page.texts("#found .choices tbody .long"))


def test_a_name_that_cannot_be_a_users(stand, show):
    browser = show(stand.url, excused=["400 (Bad Request)"])
    find(browser, "@")
    until(lambda: browser.text("#found .wrong"), "to be told", every=0.1)


def test_a_users_session_is_listed_and_ended(start, show, tmp_path):
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    with FakeNode() as fake, start([node("fake", fake.port)], admin={"write_token_file": str(token)}) as proxy, \
            proxy.connect() as session:
        session.log_in("reader")
        session.ok("STAT")
        browser = show(f"http://127.0.0.1:{proxy.admin_port}/")
        find(browser, "reader")
        browser.until_text("#found .live-sessions", "127.0.0.1:")
        assert "A session of this user is on fake now" in browser.text("#found .why")
        unlock(browser)
        press(browser, "#found [data-kick]")
        browser.until_text("#notice", "ends.")
        session.send(b"NOOP\r\n")
        until(lambda: proxy.sessions(), "the session to end")
        assert proxy.session()["reason"] == "kicked"
        browser.until_text("#found .no-sessions", "No live session.")


def test_a_hostile_name_is_only_a_name(start, show):
    with FakeNode() as fake, start([node("fake", fake.port)]) as proxy, proxy.connect() as session:
        session.log_in(_HOSTILE)
        browser = show(f"http://127.0.0.1:{proxy.admin_port}/")
        find(browser, _HOSTILE)
        browser.until_text("#found .answer", _HOSTILE)
        browser.until_text("#found .live-sessions", "127.0.0.1:")
        assert browser.find("main img") is None and browser.run("return document.title") == "Poplar: ready"
        session.ok("QUIT")


# --- how it shows it

def test_without_scripts_it_is_a_page_of_tables(stand, show):
    browser = show(stand.url, scripts=False)
    assert browser.text("#readiness") == "ready" and browser.text("#sessions").isdigit()
    for name in (*NODES, ARCHIVE):
        until_row(browser, name, r" up \d+ .*in use")
    assert "rejected" in browser.text("#failures") and len(browser.texts("#certificates tr")) == 2
    assert "With JavaScript it keeps itself up to date" in browser.text("noscript")
    for selector in ("#charts", "#find", button(NODES[0]), "#token", "#listeners"):
        assert not browser.find(selector).is_displayed(), selector


def luminance(color: str) -> float:
    red, green, blue = (int(each) for each in re.findall(r"\d+", color)[:3])
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


def test_dark_and_light(page):
    looks = "return [document.body, document.querySelector('.card')].map((each) => getComputedStyle(each)." \
            "backgroundColor).concat(getComputedStyle(document.body).color)"
    *grounds, text = page.run(looks)
    assert min(map(luminance, grounds)) > 0.9 > 0.2 > luminance(text)
    page.color_scheme("dark")
    *grounds, text = page.run(looks)
    assert max(map(luminance, grounds)) < 0.15 < 0.8 < luminance(text)


def test_a_phone_does_not_scroll_sideways(page):
    page.resize(360, 740, 2)
    find(page, USERS[0])
    page.until_text("#found .answer", "in cluster main")
    page.find("#token summary").click()
    until(lambda: page.run("return document.querySelector('#chart-mail canvas').clientWidth") < 360, "the charts to fit")
    assert page.run("return document.documentElement.scrollWidth") == 360
    beyond = page.run("return [...document.querySelectorAll('body *')].filter((each) => each.checkVisibility() && "
                      "each.getBoundingClientRect().right > 360.5).map((each) => each.outerHTML.slice(0, 80))")
    assert beyond == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1320, 360])
def test_axe_finds_nothing_to_mend(page, scheme, width):
    """WCAG 2.2 AA: contrast, names, labels, tables, landmarks."""
    assert _AXE.exists(), f"{_AXE} is missing: run tests/integration/fetch_clients.sh"
    page.color_scheme(scheme)
    page.resize(width, 900)
    find(page, USERS[0])
    page.until_text("#found .answer", "in cluster main")
    page.find("#token summary").click()
    page.run(_AXE.read_text())
    found = page.run("return axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations.map("
                     "(each) => [each.id, each.nodes.map((node) => node.html.slice(0, 120))]))")
    assert found == []


def test_the_keyboard_is_enough(page):
    """From the top: the token first, then its field; Escape closes it and gives the focus back."""
    focused = "return document.activeElement.id || document.activeElement.tagName"
    page.press("Tab")
    assert page.run(focused) == "SUMMARY"
    page.press("Enter")
    page.press("Tab")
    assert page.run(focused) == "token-field"
    page.press("Escape")
    assert page.run(focused) == "SUMMARY" and page.find("#token").get_attribute("open") is None
    page.press("Tab")
    assert page.run(focused) == "find-user"


# --- who may see it

def ask(url: str, **headers):
    """(status, headers, body)"""
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as got:
            return got.status, got.headers, got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def test_its_headers_forbid_what_it_does_not_need(stand):
    for path in ("", "assets/main.js", "assets/style.css"):
        status, headers, _ = ask(stand.url + path)
        assert status == 200
        assert headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert ask(stand.url + "assets/nothing.js")[0] == ask(stand.url + "assets/page.html")[0] == 404


def test_the_token_for_reading_is_the_password_of_a_browser(start, show, tmp_path):
    token = tmp_path / "token"
    token.write_text("read-0123456789abcdef")
    token.chmod(0o600)
    with FakeNode() as fake, start([node("fake", fake.port)], health={"probe": "capa"},
                                   admin={"read_token_file": str(token)}) as proxy:
        place = f"127.0.0.1:{proxy.admin_port}/"
        status, headers, text = ask(f"http://{place}")
        assert status == 401 and any(each.startswith("Basic") for each in headers.get_all("WWW-Authenticate"))
        assert "fake" not in text and ask(f"http://{place}assets/main.js")[0] == 401
        basic = base64.b64encode(b"anybody:read-0123456789abcdef").decode()
        assert ask(f"http://{place}", Authorization=f"Basic {basic}")[0] == 200
        browser = show(f"http://anybody:read-0123456789abcdef@{place}", scripts=False)
        assert "fake" in browser.text("#nodes")
        # The browser has them now, and scripts ask with them by themselves.
        browser.scripts(True)
        browser.open(f"http://{place}")
        browser.until_text("#nodes", " ms")
