#include "metrics/admin_client.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace poplar::metrics {
namespace {

std::unique_ptr<AdminServer> Serve(AdminHandlers handlers) {
  auto server = AdminServer::Start({"127.0.0.1", 0}, std::move(handlers));
  EXPECT_TRUE(server) << server.error();
  return std::move(*server);
}

TEST(AdminClient, GetsAnAnswerAndItsStatus) {
  const std::string long_text(size_t{3} << 20, 'x');
  const auto server = Serve({.metrics = [&] { return long_text; },
                             .live = [] { return true; },
                             .ready = [] { return false; }});
  const AdminAddress address{"127.0.0.1", server->port()};
  const auto live = AskAdmin(address, "GET", "/livez");
  ASSERT_TRUE(live) << live.error();
  EXPECT_EQ(live->status, 200);
  EXPECT_EQ(live->body, "live\n");
  EXPECT_EQ(AskAdmin(address, "GET", "/readyz")->status, 503);
  EXPECT_EQ(AskAdmin(address, "GET", "/metrics")->body, long_text);
}

TEST(AdminClient, MayChangeSomething) {
  std::string told;
  const auto server = Serve({.set_move = [&](std::string_view move, uint32_t permille) {
    told = std::string(move) + " " + std::to_string(permille);
    return SetMoveResult::kOk;
  }});
  const auto answer = AskAdmin({"127.0.0.1", server->port()}, "POST", "/moves/away?percent=2.5");
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(told, "away 25");
}

TEST(AdminClient, ShowsItsToken) {
  const auto server = Serve({.metrics = [] { return std::string("all of them\n"); },
                             .may_read = [](std::string_view token) { return token == "secret"; }});
  const AdminAddress address{"127.0.0.1", server->port()};
  EXPECT_EQ(AskAdmin(address, "GET", "/metrics")->status, 401);
  EXPECT_EQ(AskAdmin(address, "GET", "/metrics", "other")->status, 401);
  EXPECT_EQ(AskAdmin(address, "GET", "/metrics", "secret")->body, "all of them\n");
}

TEST(AdminClient, SaysWhyNobodyAnswers) {
  uint16_t port = 0;
  {
    port = Serve({})->port();
  }
  const auto answer = AskAdmin({"127.0.0.1", port}, "GET", "/livez");
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().find("onnection refused"), std::string::npos) << answer.error();
}

TEST(AdminClient, BoundsTheAnswer) {
  const auto server = Serve({.metrics = [] { return std::string(kAdminAnswerBytesMax + 1, 'x'); }});
  const auto answer = AskAdmin({"127.0.0.1", server->port()}, "GET", "/metrics");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), "the answer is too long");
}

}  // namespace
}  // namespace poplar::metrics
