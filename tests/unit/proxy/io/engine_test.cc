#include "proxy/io/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cstdio>

#include "proxy/io/system_clock.h"
#include "tests/unit/proxy/io/both_engines.h"
#include "tests/unit/proxy/io/few_descriptors.h"
#include "tests/unit/proxy/io/forbidden_syscalls.h"

namespace poplar::io {
namespace {

using testing::ExitedWithCode;
using testing::HasSubstr;
using testing::StartsWith;

TEST(ChooseEngine, TakesEpollWhenAskedFor) {
  const auto chosen = ChooseEngine(EngineWish::kEpoll);
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->engine, Engine::kEpoll);
  EXPECT_FALSE(chosen->refused) << "nobody asked for a ring";
  EXPECT_EQ(chosen->text, "epoll");
  EXPECT_EQ(chosen->reason(), "configured");
}

TEST(ChooseEngine, TakesIoUringWhereThereIsOne) {
  if (const auto ring = CreateRing(8); !ring) GTEST_SKIP() << ring.error().text;
  for (const EngineWish wish : {EngineWish::kAuto, EngineWish::kUring}) {
    const auto chosen = ChooseEngine(wish);
    ASSERT_TRUE(chosen);
    EXPECT_EQ(chosen->engine, Engine::kUring);
    EXPECT_FALSE(chosen->refused);
    EXPECT_EQ(chosen->reason(), "available");
    EXPECT_THAT(chosen->text, StartsWith("io_uring "));
  }
}

[[noreturn]] void ChooseWithoutRings(EngineWish wish, int code) {
  ForbidSyscalls({__NR_io_uring_setup}, code);
  const auto chosen = ChooseEngine(wish);
  if (!chosen) {
    std::fputs(chosen.error().text.c_str(), stderr);
    std::_Exit(2);
  }
  std::fprintf(stderr, "%s: %s because %s", std::string(chosen->reason()).c_str(),
               chosen->text.c_str(), chosen->refused ? chosen->refused->text.c_str() : "nothing");
  std::_Exit(chosen->engine == Engine::kEpoll ? 0 : 1);
}

TEST(ChooseEngine, FallsBackToEpollAndSaysWhy) {
  EXPECT_EXIT(ChooseWithoutRings(EngineWish::kAuto, EPERM), ExitedWithCode(0),
              "^forbidden: epoll because io_uring is not available here .EPERM.*io_uring_setup");
  EXPECT_EXIT(ChooseWithoutRings(EngineWish::kAuto, ENOSYS), ExitedWithCode(0),
              "^unsupported: epoll because .*ENOSYS.*Linux 5.19");
}

TEST(ChooseEngine, RefusesWhereNothingElseIsWished) {
  EXPECT_EXIT(ChooseWithoutRings(EngineWish::kUring, EPERM), ExitedWithCode(2),
              "^io_uring is not available here .EPERM.*io_uring_setup");
}

TEST(ChooseEngine, DoesNotTakeALackOfDescriptorsForARefusal) {
  const FewDescriptors none(0);
  const auto chosen = ChooseEngine(EngineWish::kAuto);
  ASSERT_FALSE(chosen);
  EXPECT_EQ(chosen.error().code, EMFILE);
}

class OpenProactorTest : public testing::TestWithParam<Engine> {};

TEST_P(OpenProactorTest, SaysThatNoDescriptorIsLeft) {
  const SystemClock clock;
  SystemRandom random;
  if (auto created = OpenProactor(GetParam(), clock, random, {}); !created) {
    GTEST_SKIP() << created.error().text;
  }
  const FewDescriptors few(1);
  const auto created = OpenProactor(GetParam(), clock, random, {});
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, EMFILE);
  EXPECT_THAT(created.error().text, StartsWith(std::string(NameOf(GetParam())) + " is not"));
  EXPECT_THAT(created.error().text, HasSubstr("LimitNOFILE="));
}

POPLAR_ON_BOTH_ENGINES(OpenProactorTest);

}  // namespace
}  // namespace poplar::io
