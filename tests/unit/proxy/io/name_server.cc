#include "tests/unit/proxy/io/name_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace poplar::io {
namespace {

constexpr size_t kHeaderBytes = 12;

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int Bound(int type, uint16_t port) {
  const int made = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  if (::bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return made;
  ::close(made);
  return -1;
}

uint16_t PortOf(int of) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(of, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

bool Listens(uint16_t port) {
  const int tried = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const int fault = ::connect(tried, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::close(tried);
  return fault == 0;
}

size_t QuestionEnd(const std::string& question) {
  size_t at = kHeaderBytes;
  while (at < question.size() && question[at] != '\0') at += 1 + static_cast<uint8_t>(question[at]);
  return at + 5;  // the root, type and class
}

}  // namespace

uint16_t FreePort() {
  for (;;) {
    const int udp = Bound(SOCK_DGRAM, 0);
    const uint16_t port = PortOf(udp);
    const int tcp = Bound(SOCK_STREAM, port);
    ::close(udp);
    if (tcp < 0) continue;
    ::close(tcp);
    return port;
  }
}

NameServer::NameServer(const Hosts& hosts, std::vector<std::string> options, Others others)
    : port_(FreePort()) {
  std::string name = std::filesystem::temp_directory_path() / "name_server_XXXXXX";
  if (mkdtemp(name.data()) == nullptr) std::abort();
  folder_ = name;
  std::ofstream file(folder_ / "hosts");
  for (const auto& [host, addresses] : hosts) {
    for (const std::string& address : addresses) file << address << ' ' << host << '\n';
  }
  file.close();
  std::filesystem::permissions(folder_, std::filesystem::perms::others_exec,
                               std::filesystem::perm_options::add);
  std::vector<std::string> words = {"/usr/sbin/dnsmasq",
                                    "--keep-in-foreground",
                                    "--conf-file=",
                                    "--log-facility=/dev/null",
                                    "--pid-file=",
                                    "--no-resolv",
                                    "--no-hosts",
                                    "--bind-interfaces",
                                    "--listen-address=127.0.0.1",
                                    "--cache-size=0",
                                    "--local-ttl=60",
                                    "--port=" + std::to_string(port_),
                                    "--addn-hosts=" + (folder_ / "hosts").string()};
  if (others == Others::kDontExist) words.emplace_back("--address=/#/");
  std::move(options.begin(), options.end(), std::back_inserter(words));
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  process_ = fork();
  if (process_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(argv[0], argv.data());
    _exit(126);
  }
  // The test's own alarm bounds it; one that has ended will never listen.
  while (!Listens(port_)) {
    if (waitpid(process_, nullptr, WNOHANG) != 0) std::abort();
    ::usleep(2000);
  }
}

NameServer::~NameServer() {
  ::kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  std::filesystem::remove_all(folder_);
}

ScriptedNameServer::ScriptedNameServer(Script script)
    : socket_(Bound(SOCK_DGRAM, 0)), port_(PortOf(socket_)) {
  thread_ = std::thread([this, script = std::move(script)] { Run(script); });
}

ScriptedNameServer::~ScriptedNameServer() {
  ::shutdown(socket_, SHUT_RDWR);  // wakes whoever reads from it
  thread_.join();
  ::close(socket_);
}

void ScriptedNameServer::Run(const Script& script) const {
  char bytes[4096];
  for (;;) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const ssize_t got =
        ::recvfrom(socket_, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (got <= 0) return;
    const std::string answer = script(std::string(bytes, static_cast<size_t>(got)));
    if (answer.empty()) continue;
    ::sendto(socket_, answer.data(), answer.size(), 0, reinterpret_cast<const sockaddr*>(&peer),
             size);
  }
}

uint16_t ScriptedNameServer::TypeOf(const std::string& question) {
  return static_cast<uint8_t>(question[QuestionEnd(question) - 3]);
}

bool ScriptedNameServer::HasEdns(const std::string& question) { return question[11] != 0; }

std::string ScriptedNameServer::Answer(const std::string& question, int rcode, int count,
                                       const std::string& records) {
  std::string answer = question.substr(0, QuestionEnd(question));
  answer[2] = static_cast<char>(answer[2] | 0x80);
  answer[3] = static_cast<char>(0x80 | rcode);
  answer[7] = static_cast<char>(count);
  answer[11] = 0;
  return answer + records;
}

}  // namespace poplar::io
