#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/directory/server_addresses.h"
#include "proxy/directory/source.h"
#include "proxy/io/address.h"
#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"
#include "proxy/io/sync.h"
#include "proxy/io/task_scope.h"
#include "proxy/tls/client_context.h"

namespace poplar::directory {

struct HttpServer {
  std::string url;        // as the operator wrote it; for the log
  std::string authority;  // for the header Host
  std::string target;     // path and query
  std::string host;       // a name or an address; its certificate's too
  uint16_t port = 0;
  std::shared_ptr<const tls::ClientContext> tls;  // null: plain
};

struct HttpSettings {
  std::string name;  // the directory's, in texts for the log
  std::vector<HttpServer> servers;
  std::string headers;  // whole lines, sent besides
  io::Duration timeout = std::chrono::seconds(5);
  size_t connections = 8;  // to each server
  NameLookups names;
};

// A service that speaks nginx's auth_http, asked over connections that are kept. Servers are asked
// in turn while one doesn't answer; each has an equal part of the time that is left.
class HttpSource final : public Source {
 public:
  // Longer than that no kept connection is trusted to be good.
  static constexpr io::Duration kKeepMax = std::chrono::seconds(30);
  // A server that didn't answer is asked last for so long.
  static constexpr io::Duration kAvoidance = std::chrono::seconds(5);

  // All outlive it. `scope` runs the look-ups of names, and must be empty before it goes.
  HttpSource(io::Proactor& proactor, io::TaskScope& scope, const HttpSettings& settings);
  // Nothing is under way.
  ~HttpSource() override;

  void Start() override;
  io::Task<Answer> Ask(const Question& question) override;
  void Stop() override;

 private:
  // A connection that nothing is under way on.
  struct Link {
    std::unique_ptr<io::Stream> stream;
    io::Address to;
    io::Time since{};  // kept
  };
  // Somebody in the queue for a connection.
  struct Waiter {
    explicit Waiter(io::RunList& ready) : called(ready) {}
    io::Event called;
    bool admitted = false;
  };
  struct Server {
    Server(io::Proactor& proactor, io::TaskScope& scope, const NameLookups& names,
           const HttpServer& from)
        : settings(&from), addresses(proactor, scope, names, from.host, from.port) {}
    const HttpServer* settings;
    ServerAddresses addresses;
    std::vector<Link> idle;
    size_t taken = 0;  // connections in use, being opened included
    std::deque<Waiter*> queue;
    io::Time avoided_until{};
  };
  // What came of one server: an answer, or why there is none.
  struct Outcome {
    Answer answer;
    bool answered = false;
    bool silent = false;  // not a byte came: another connection may do
  };

  io::Task<Outcome> AskServer(Server& server, const Question& question, io::Time deadline);
  io::Task<bool> Enter(Server& server, io::Time deadline);
  void Leave(Server& server);
  io::Task<Outcome> AskOver(Server& server, Link link, const Question& question, io::Time deadline);
  // The error says what kept us, for the log.
  using Opened = tl::expected<std::unique_ptr<io::Stream>, std::string>;
  io::Task<tl::expected<Link, std::string>> Open(Server& server, io::Time deadline);
  io::Task<Opened> Connect(const io::Address& address, io::Time deadline);
  io::Task<Opened> Secure(Server& server, std::unique_ptr<io::Stream> plain, io::Time deadline);
  std::optional<Link> TakeIdle(Server& server);
  std::vector<Server*> InTurn();
  io::Time PartOf(io::Time deadline, size_t parts) const;
  std::string Where(const Server& server, std::string_view what) const;

  io::Proactor& proactor_;
  const HttpSettings& settings_;
  std::deque<Server> servers_;  // questions under way hold on to theirs
  std::set<io::Stream*> in_flight_;
  bool stopped_ = false;
};

}  // namespace poplar::directory
