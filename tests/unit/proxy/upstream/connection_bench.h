#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/io/task_scope.h"
#include "proxy/upstream/connection.h"
#include "tests/simulation/network.h"
#include "tests/unit/proxy/upstream/scripted_node.h"

namespace poplar::upstream {

// A node and one connection to it.
class ConnectionBench {
 public:
  explicit ConnectionBench(const simulation::Faults& faults = {}, uint64_t seed = 7)
      : world_(seed), network_(world_, faults) {}

  ~ConnectionBench() {
    connection_.reset();
    node.Stop();
    EXPECT_TRUE(Run([this] { return node.idle() && scope_.count() == 0; })) << world_.why_not();
    node.connections().clear();
    node.machine().MustBeIdle();
    poplar_.MustBeIdle();
    other_.MustBeIdle();
  }

  bool Run(const std::function<bool()>& predicate, io::Duration most = std::chrono::hours(1)) {
    return world_.RunUntil(predicate, most);
  }
  void Settle() {
    Run([] { return false; }, std::chrono::milliseconds(50));
  }

  // A new connection, to an endpoint with this changed.
  void Use(const std::function<void(Endpoint&)>& change) {
    auto endpoint = std::make_shared<Endpoint>(connection_->endpoint());
    change(*endpoint);
    connection_.emplace(poplar_, std::move(endpoint));
  }

  NodeError Open(const ClientOrigin* origin = nullptr) {
    std::optional<NodeError> error;
    scope_.Spawn(OpenTask(&error, origin));
    EXPECT_TRUE(Run([&error] { return error.has_value(); })) << world_.why_not();
    return error.value_or(NodeError{});
  }
  using Login = tl::expected<LoginAnswer, NodeError>;
  Login LogIn(std::string_view user = "alice", std::string_view password = "secret") {
    return LogIn(pop3::PasswordCredential(user, pop3::Secret(password)));
  }
  Login LogIn(pop3::Credential credential, LoginTerms terms = {}) {
    std::optional<Login> login;
    scope_.Spawn(LogInTask(std::move(credential), terms, &login));
    EXPECT_TRUE(Run([&login] { return login.has_value(); })) << world_.why_not();
    return login.value_or(tl::unexpected(NodeError{}));
  }
  void Retire() {
    bool done = false;
    scope_.Spawn(RetireTask(&done));
    EXPECT_TRUE(Run([&done] { return done; })) << world_.why_not();
  }
  Connection& connection() { return *connection_; }
  void Drop() { connection_.reset(); }
  void AbortAfter(io::Duration delay) {
    world_.After(delay, [this] { connection_->Abort(); });
  }
  void ExpireAfter(io::Duration delay) {
    world_.After(delay, [this] { connection_->Expire(); });
  }

  using Answer = tl::expected<std::string, NodeError>;
  // CAPA, or a command with a one-line answer.
  Answer Ask(std::string_view command) {
    std::optional<Answer> answer;
    scope_.Spawn(AskTask(command, &answer));
    EXPECT_TRUE(Run([&answer] { return answer.has_value(); })) << world_.why_not();
    return answer.value_or(tl::unexpected(NodeError{}));
  }
  simulation::SimProactor& other() { return other_; }
  io::Time Now() const { return world_.Now(); }
  simulation::SimProactor& poplar() { return poplar_; }

 private:
  io::Task<void> OpenTask(std::optional<NodeError>* error, const ClientOrigin* origin) {
    *error = co_await connection_->Open(origin);
  }
  io::Task<void> LogInTask(pop3::Credential credential, LoginTerms terms,
                           std::optional<Login>* login) {
    login->emplace(co_await connection_->LogIn(credential, terms));
  }
  io::Task<void> AskTask(std::string_view command, std::optional<Answer>* answer) {
    if (command == "CAPA") {
      answer->emplace(co_await connection_->AskCapabilities());
    } else {
      answer->emplace(co_await connection_->Ask(command));
    }
  }
  io::Task<void> RetireTask(bool* done) {
    co_await connection_->Retire();
    *done = true;
  }

  simulation::World world_;
  simulation::Network network_;
  simulation::SimProactor poplar_{network_, "poplar", *io::Address::Parse("192.0.2.1", 0)};
  simulation::SimProactor other_{network_, "other worker", *io::Address::Parse("192.0.2.1", 0)};
  io::TaskScope scope_{poplar_.ready()};

 public:
  ScriptedNode node{network_, "node", "192.0.2.10"};
  simulation::Network& network() { return network_; }

 private:
  std::optional<Connection> connection_{
      std::in_place, poplar_,
      std::make_shared<Endpoint>(Endpoint{
          .name = "cluster/node",
          .address = node.address(),
          .host_name = "node",
          .timeouts = {.connect = std::chrono::seconds(3), .response = std::chrono::seconds(5)}})};
};

inline std::string Failure(const NodeError& error) { return std::string(Name(error.failure)); }
inline std::string Failure(const ConnectionBench::Login& login) {
  return login ? "none" : std::string(Name(login.error().failure));
}

}  // namespace poplar::upstream
