"""The checks themselves: each finds what it is for, and leaves good code alone."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import house  # noqa: E402
import layering  # noqa: E402
import lengths  # noqa: E402
import seams  # noqa: E402
from source import Tree, blanked  # noqa: E402


def at(check, path, text):
    return check.check(Tree({path: text}))


@pytest.mark.parametrize("path, line", [
    ("balancer/node.cc", '#include "proxy/io/clock.h"'),
    ("metrics/shard.cc", '#include "balancer/node.h"'),
    ("proxy/pop3/command.h", '#include "proxy/io/buffer.h"'),
    ("proxy/io/ring.cc", '#include "proxy/tls/engine.h"'),
    ("proxy/tls/engine.cc", '#include "proxy/session/session.h"'),
    ("proxy/upstream/dial.cc", '#  include "proxy/session/session.h"'),
    ("proxy/session/session.cc", '#include "proxy/server/worker.h"'),
    ("proxy/session/session.cc", '#include "tests/simulation/world.h"'),
    ("proxy/session/session.cc", '#include "relay.h"'),
    ("proxy/novelty/new.cc", '#include "proxy/io/clock.h"'),
    ("proxy/session/session.cc", "#include <liburing.h>"),
    ("proxy/io/uring_proactor.h", "#include <liburing.h>"),
    ("proxy/session/session.cc", "#include <openssl/ssl.h>"),
    ("proxy/tls/engine.h", "#include <openssl/ssl.h>"),
    ("metrics/shard.cc", "#include <prometheus/registry.h>"),
    ("proxy/config/read.cc", "#include <yaml-cpp/yaml.h>"),
    ("proxy/server/server.cc", "#include <civetweb.h>"),
    ("proxy/cli/serve.cc", "#include <curl/curl.h>"),
])
def test_layering_finds(path, line):
    assert at(layering, path, f"// first\n{line}\n")[0].line == 2


@pytest.mark.parametrize("path, line", [
    ("proxy/session/session.cc", '#include "proxy/upstream/dial.h"'),
    ("proxy/session/session.cc", '#include "proxy/session/relay.h"'),
    ("proxy/cli/serve.cc", '#include "balancer/node.h"'),
    ("proxy/io/uring_ring.cc", "#include <liburing.h>"),
    ("proxy/tls/engine.cc", "#include <openssl/ssl.h>"),
    ("proxy/tls/engine.cc", "#include <string>"),
    ("tests/unit/balancer/node_test.cc", '#include "proxy/io/clock.h"'),
])
def test_layering_allows(path, line):
    assert at(layering, path, line + "\n") == []


def body(lines):
    return "".join(f"  Call({index});\n" for index in range(lines))


@pytest.mark.parametrize("head", [
    "void Plain() {", "int Class::Method(int a) const noexcept {", "auto F() -> int {",
    "Class::Class(int a) : Base(a), a_{a}, b_(2) {", "template <class T>\nvoid G(T&& t) {",
    "void Split(int a,\n           int b) {", "static constexpr int kTable(int x) {",
    "bool operator==(const A& a) {", "TEST(Suite, Name) {", "struct Result Make(int a) {",
    "const auto kLambda = [](int x) {", "[[nodiscard]] int Attributed() {",
])
def test_a_function_of_71_lines_is_too_long(head):
    text = "namespace a {\n" + head + "\n" + body(70) + "}\n}  // namespace a\n"
    assert [finding.text for finding in at(lengths, "proxy/a.cc", text)] == [
        "a function of 72 lines; at most 70"]
    fits = "namespace a {\n" + head + "\n" + body(68) + "}\n}  // namespace a\n"
    assert at(lengths, "proxy/a.cc", fits) == []


def test_a_long_method_inside_its_class():
    text = "class A {\n public:\n  void M() {\n" + body(80) + "  }\n};\n"
    assert len(at(lengths, "proxy/a.h", text)) == 1


@pytest.mark.parametrize("text", ids=lambda text: text[:20], argvalues=[
    "namespace a {\nclass B : public C<int(int)> {\n" + "  int x_ = 0;\n" * 100 + "};\n}\n",
    "enum class E {\n" + "  kA,\n" * 90 + "};\n",
    "constexpr std::array kTable = {\n" + "  Row{1, 2},\n" * 90 + "};\n",
    "#define LONG(x) \\\n" + "  f(x); { \\\n" * 90 + "  end\n",
    "// void F() {\n" * 90,
    "const char kText[] = R\"(\n" + "void F() {\n" * 90 + ")\";\n",
    "void F() {\n" + body(30) + "}\n\nvoid G() {\n" + body(30) + "}\n\nvoid H() {\n" + body(30) + "}\n",
    "char c = '{'; const char* s = \"{\"; int n = 1'000'000;\nvoid F() {\n" + body(60) + "}\n" + body(60),
])
def test_what_is_not_a_long_function(text):
    assert at(lengths, "proxy/a.cc", text) == []


def test_a_long_function_after_a_brace_in_a_literal():
    text = "char c = '}';\nvoid F() {\n  Say(\"}\");\n" + body(80) + "}\n"
    assert len(at(lengths, "proxy/a.cc", text)) == 1


def test_a_file_of_501_lines():
    assert len(at(lengths, "proxy/a.cc", "int x;\n" * 501)) == 1
    assert at(lengths, "proxy/a.cc", "int x;\n" * 500) == []


@pytest.mark.parametrize("line", [
    "auto t = std::chrono::steady_clock::now();", "clock_gettime(CLOCK_MONOTONIC, &t);",
    "const time_t t = time(nullptr);", "int r = rand();", "std::random_device device;",
    "std::mt19937_64 engine;", "getrandom(p, 4, 0);", "int s = ::socket(AF_INET, 1, 0);",
    "int s = socket(AF_INET, 1, 0);", "::connect(fd, a, n);", "getaddrinfo(a, b, c, d);",
    "std::this_thread::sleep_for(1s);", "usleep(5);",
])
def test_seams_find(line):
    assert at(seams, "balancer/a.cc", f"void F() {{\n  {line}\n}}\n")[0].line == 2
    assert at(seams, "proxy/session/a.cc", line)
    assert at(seams, "proxy/io/a.cc", line) == []


@pytest.mark.parametrize("line", [
    "// steady_clock::now() is not for us", "Log(\"rand()\");", "proactor.Now();", "stream.connect(a);",
    "node.send(x);", "int operand(int a);", "timers.Sleep(proactor, 5s);", "record.time(t);",
    "void connect(const Node& node);", "id = proactor_.random().Next();", "upstream::Connect(node);",
])
def test_seams_allow(line):
    assert at(seams, "proxy/session/a.cc", line) == []


GOOD_HOUSE = {
    "README.md": "x\n", "CHANGELOG.md": "x\n", "LICENSE": "x\n", "proxy/README.md": "x\n",
    "proxy/pop3/command.h": "#pragma once\n", "tests/README.md": "x\n",
    "tests/fuzz/pop3_command_fuzz.cc": "", "tests/fuzz/corpus/fuzz_pop3_command/user": "USER a\r\n",
    "tests/unit/proxy/pop3/command_test.cc": "",
    "metrics/README.md": "x\n", "metrics/third_party/charts/charts.js": "bought\n",
    "metrics/third_party/charts/README.md": "`charts.js` d830ff9577a3b5e2e7dfefcd266f0b27ac455784076be986087f117bb4850673\n",
}


def test_a_good_house():
    assert house.check(Tree(GOOD_HOUSE)) == []


@pytest.mark.parametrize("path, text", [
    ("proxy/util/a.cc", ""), ("proxy/pop3/string_utils.h", "#pragma once\n"),
    ("proxy/session_manager.cc", ""), ("tests/common/a.py", ""), ("proxy/helpers.cc", ""),
    ("scripts/x.sh", ""), ("bench/a.cc", ""), ("proxy/README.md", "line\n" * 61),
    ("CHANGELOG.md", " \n"), ("proxy/pop3/other.h", "int x;\n"),
    ("tests/fuzz/new_fuzz.cc", ""), ("tests/unit/proxy/gone/a_test.cc", ""),
    ("metrics/third_party/charts/charts.js", "changed\n"), ("metrics/third_party/other/unnamed.js", "bought\n"),
])
def test_a_bad_house(path, text):
    assert len(house.check(Tree({**GOOD_HOUSE, path: text}))) >= 1


def test_blanking_keeps_every_line():
    text = 'a("}"); // {\n/* {\n { */ b(\'{\'); R"x(\n{ )x"; 1\'000\n'
    assert blanked(text).count("\n") == text.count("\n")
    assert "{" not in blanked(text) and "}" not in blanked(text)
    assert "1'000" in blanked(text)
