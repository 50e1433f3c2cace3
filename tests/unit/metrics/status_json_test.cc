#include "metrics/status_json.h"

#include <gtest/gtest.h>

namespace poplar::metrics {
namespace {

TEST(StatusAsJsonTest, SaysAll) {
  StatusView status{.version = "0.1.0",
                    .started = 1764400000.25,
                    .now = 1764400100.5,
                    .ready = true,
                    .draining = false,
                    .workers = 2,
                    .io = "epoll",
                    .io_note = "io_uring is \"refused\"",
                    .sessions = 12,
                    .listeners = {{"pop3s", "127.0.0.1:995", 12}},
                    .certificates = {{"/etc/a.pem", 1790000000}},
                    .logins = {{"ok", 10}, {"rejected", 1}},
                    .ends = {{"quit", 9}},
                    .handshake_failures = {},
                    .rejected = {{"limit", 0}}};
  status.login = {.buckets = {{0.0005, 3}, {1, 10}}, .count = 11, .sum = 0.5};
  status.messages = 100;
  status.bytes_to_clients = 123456;
  status.bytes_from_clients = 1;
  status.waits = 4;
  status.shared_state = "Redis at redis:6379, 4 replicas";
  EXPECT_EQ(
      StatusAsJson(status),
      R"({"version":"0.1.0","started":1764400000.25,"now":1764400100.5,"ready":true,)"
      R"("draining":false,"workers":2,"io":"epoll","io_note":"io_uring is \"refused\"","sessions":12,)"
      R"("listeners":[{"name":"pop3s","address":"127.0.0.1:995","sessions":12}],)"
      R"("certificates":[{"name":"/etc/a.pem","expires":1790000000}],)"
      R"("logins":{"ok":10,"rejected":1},"ends":{"quit":9},"handshake_failures":{},)"
      R"("rejected":{"limit":0},)"
      R"("login_seconds":{"buckets":[[0.0005,3],[1,10]],"count":11,"sum":0.5},)"
      R"("first_byte_seconds":{"buckets":[],"count":0,"sum":0},)"
      R"("download_seconds":{"buckets":[],"count":0,"sum":0},)"
      R"("handshake_seconds":{"buckets":[],"count":0,"sum":0},)"
      R"("messages":100,"bytes_to_clients":123456,"bytes_from_clients":1,"waits":4,)"
      R"("shared_state":"Redis at redis:6379, 4 replicas"})"
      "\n");
}

}  // namespace
}  // namespace poplar::metrics
