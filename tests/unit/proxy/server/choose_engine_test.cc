#include "proxy/server/choose_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cstdio>
#include <cstdlib>

#include "proxy/io/system_clock.h"
#include "tests/unit/proxy/io/forbidden_syscalls.h"

namespace poplar::server {
namespace {

using testing::AllOf;
using testing::ExitedWithCode;
using testing::HasSubstr;
using testing::StartsWith;

TEST(ChooseEngine, WishesWhatTheConfigurationSays) {
  EXPECT_EQ(WishOf(config::IoEngine::kAuto), io::EngineWish::kAuto);
  EXPECT_EQ(WishOf(config::IoEngine::kUring), io::EngineWish::kUring);
  EXPECT_EQ(WishOf(config::IoEngine::kEpoll), io::EngineWish::kEpoll);
}

TEST(ChooseEngine, NotesOnlyARefusal) {
  EXPECT_EQ(FallbackNote({.engine = io::Engine::kUring, .refused = {}, .text = ""}), "");
  EXPECT_EQ(FallbackNote({.engine = io::Engine::kEpoll, .refused = {}, .text = ""}), "");
  EXPECT_THAT(FallbackNote({.engine = io::Engine::kEpoll,
                            .refused = io::RingRefusal{1, "forbidden", "Forbidden. Allow it."},
                            .text = ""}),
              AllOf(StartsWith("Sockets are served by epoll"),
                    HasSubstr(": Forbidden. Allow it. Or set io: epoll")));
}

// The log goes to stderr, and so does the error.
[[noreturn]] void ChooseWithoutRings(config::IoEngine io) {
  const io::SystemClock clock;
  auto log = Log::Open({.format = config::LogFormat::kLogfmt}, clock);
  io::ForbidSyscalls({__NR_io_uring_setup}, EPERM);
  const auto chosen = ChooseEngine(io, **log);
  log->reset();  // which writes what it has
  if (!chosen) std::fputs(chosen.error().c_str(), stderr);
  std::_Exit(chosen ? 0 : 1);
}

TEST(ChooseEngine, SaysLoudlyThatItFallsBack) {
  EXPECT_EXIT(ChooseWithoutRings(config::IoEngine::kAuto), ExitedWithCode(0),
              "level=warning .*served by epoll.*EPERM.*io_uring_setup.*set io: epoll");
}

TEST(ChooseEngine, SaysNothingOfWhatIsConfigured) {
  EXPECT_EXIT(ChooseWithoutRings(config::IoEngine::kEpoll), ExitedWithCode(0), "^$");
}

TEST(ChooseEngine, RefusesAndSaysWhatToDo) {
  EXPECT_EXIT(ChooseWithoutRings(config::IoEngine::kUring), ExitedWithCode(1),
              "^io: io_uring: io_uring is not available here .EPERM.*Or set io: auto");
}

}  // namespace
}  // namespace poplar::server
