#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {

inline constexpr char kLoggedIn[] = "+OK Logged in.\r\n";
inline constexpr char kListing[] = "+OK\r\n1 aa\r\n2 bb\r\n3 cc\r\n.\r\n";
inline constexpr char kMail[] = "+OK 30 octets\r\nSubject: one\r\n\r\nHello, reader.\r\n.\r\n";

// Alice is logged in at her first node, with three messages.
class ResumeTest : public testing::Test {
 protected:
  static SessionBench::Options Options() {
    SessionBench::Options options{.nodes = 2, .shared_storage = true, .resume = {.enabled = true}};
    options.health.ejection_time = options.health.ejection_time_max = std::chrono::minutes(5);
    return options;
  }
  explicit ResumeTest(const SessionBench::Options& options = Options()) : bench_(options) {
    for (size_t node : {0u, 1u}) SetMail(node, kListing);
  }
  void SetUp() override {
    client_ = &bench_.Connect();
    ASSERT_EQ(bench_.LogIn(*client_), kLoggedIn);
  }

  void SetMail(size_t node, const std::string& listing) {
    upstream::ScriptedNode& at = bench_.node(node);
    at.set_answer("UIDL", {listing});
    at.set_answer("STAT", {"+OK 3 300\r\n"});
    at.set_answer("LIST", {"+OK\r\n1 100\r\n2 100\r\n3 100\r\n.\r\n"});
    at.set_answer("RETR", {kMail});
    at.set_answer("DELE", {"+OK\r\n"});
    at.set_answer("RSET", {"+OK\r\n"});
    at.set_answer("NOOP", {"+OK noop\r\n"});
  }
  upstream::ScriptedNode& first() { return bench_.node(first_); }
  upstream::ScriptedNode& second() { return bench_.node(second_); }
  std::string Ask(std::string_view command) { return bench_.Ask(*client_, command); }
  // The first node dies as a process does: its connections are reset, its port refuses.
  void Kill() {
    first().StopListening();
    for (upstream::DrivenPeer& connection : first().connections()) {
      if (connection.end() == upstream::DrivenPeer::End::kOpen) connection.Reset();
    }
    bench_.Settle();
  }
  const Record& End() {
    client_->HalfClose();
    return bench_.RunToEnd(std::chrono::seconds(20));
  }

  SessionBench bench_;
  const size_t first_ = bench_.Preferred("alice").front();
  const size_t second_ = 1 - first_;
  upstream::DrivenPeer* client_ = nullptr;
};

}  // namespace poplar::session
