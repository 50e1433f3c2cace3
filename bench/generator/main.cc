#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <optional>
#include <string>

#include "bench/generator/generator.h"

namespace poplar::bench {
namespace {

const std::map<std::string, Kind> kKinds = {{"login", Kind::kLogin},
                                            {"poll", Kind::kPoll},
                                            {"download", Kind::kDownload},
                                            {"fetch", Kind::kFetch},
                                            {"hold", Kind::kHold}};

// An IPv4 address and a port.
std::optional<sockaddr_storage> ParseAddress(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  sockaddr_storage storage{};
  auto& address = reinterpret_cast<sockaddr_in&>(storage);
  address.sin_family = AF_INET;
  const int port = std::atoi(text.c_str() + colon + 1);
  if (port <= 0 || port > 65535) return std::nullopt;
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1)
    return std::nullopt;
  return storage;
}

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::chrono::nanoseconds FromSeconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(seconds));
}

struct Options {
  Load load;
  std::string target;
  std::string kind = "login";
  bool plain = false;
  bool turns = false;
  double warm_up = 0;
  double duration = 10;

  void AddTo(CLI::App& app);
};

void Options::AddTo(CLI::App& app) {
  app.add_option(
         "KIND", kind,
         "What a session does: login, poll, download, fetch (a poll, and the messages) or hold")
      ->check(CLI::IsMember(kKinds))
      ->required();
  app.add_option("--target", target, "IPv4 address and port of the server")->required();
  app.add_flag("--plain", plain, "Without TLS");
  app.add_flag("--resume", load.resume, "Resume TLS sessions: only a client's first is a full one");
  app.add_option("--clients", load.clients, "Sessions at once, at most")->capture_default_str();
  app.add_option("--opening", load.opening, "With hold: logins at once")->capture_default_str();
  app.add_option("--rate", load.rate,
                 "Open loop: so many new sessions a second, at random moments; a session's time "
                 "begins when it was due. 0: closed loop")
      ->capture_default_str();
  app.add_option("--swell", load.swell,
                 "... so much denser in the middle of the time, and thinner at its ends: 0.5 is "
                 "half as many to one and a half times as many")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  app.add_option("--warm-up", warm_up, "Seconds at the beginning that don't count")
      ->capture_default_str();
  app.add_option("--duration", duration, "Seconds that count")->capture_default_str();
  app.add_option("--sessions", load.sessions, "Instead: so many sessions that count");
  app.add_option("--warm-up-sessions", load.warm_up_sessions, "... behind so many that don't");
  app.add_flag("--turns", turns,
               "Instead: as many as each line of standard input says, with a report behind each");
  app.add_option("--messages", load.dialogue.messages,
                 "With download and fetch: how many a session")
      ->capture_default_str();
  app.add_option("--messages-most", load.messages_most,
                 "... up to so many, at random; 0: just those");
  app.add_flag("--pipelined", load.dialogue.pipelined, "... all asked for at once");
  app.add_option("--users", load.users, "How many there are")->capture_default_str();
  app.add_option("--first-user", load.first_user, "The number of the first of them")
      ->capture_default_str();
  app.add_flag("--own-user", load.own_user, "Each client is one of them, always the same");
  app.add_option("--sources", load.sources,
                 "Addresses 127.1.0.1 and up to connect from, for more ports; 0: the kernel's "
                 "choice")
      ->capture_default_str();
  app.add_option("--seed", load.seed, "Of all that is random")->capture_default_str();
  app.add_option("--journal", load.journal,
                 "File in which each message gets a line, unless --pipelined: seconds since the "
                 "begin, and the milliseconds that it took, or \"lost\"");
}

int Main(int argc, char** argv) {
  CLI::App app("POP3 sessions against one server, with OpenSSL, in one thread; prints JSON");
  Options options;
  options.AddTo(app);
  CLI11_PARSE(app, argc, argv);
  const auto server = ParseAddress(options.target);
  if (!server) {
    std::fprintf(stderr, "poplar_generator: --target %s: expected an IPv4 address and a port\n",
                 options.target.c_str());
    return 2;
  }
  Load& load = options.load;
  load.server = *server;
  load.tls = !options.plain;
  load.dialogue.kind = kKinds.at(options.kind);
  load.warm_up = FromSeconds(options.warm_up);
  load.duration = FromSeconds(options.duration);
  RaiseDescriptorLimit();
  Generator generator(load);
  if (options.turns) {
    generator.RunInTurns();
    return 0;
  }
  const std::string report = load.dialogue.kind == Kind::kHold ? generator.Hold() : generator.Run();
  std::printf("%s\n", report.c_str());
  return report.empty() ? 2 : 0;
}

}  // namespace
}  // namespace poplar::bench

int main(int argc, char** argv) { return poplar::bench::Main(argc, argv); }
