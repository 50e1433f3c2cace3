#include "proxy/demo/service_model.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "manual_world.h"
#include "proxy/demo/mail_node.h"
#include "proxy/io/task_scope.h"
#include "tests/simulation/seeded_random.h"

namespace poplar::demo {
namespace {

using simulation::SeededRandom;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// The same number always; a fraction of one, for what it is made into.
class ConstantRandom final : public io::Random {
 public:
  explicit ConstantRandom(double fraction)
      : number_(static_cast<uint64_t>(fraction * 0x1p53) << 11) {}
  uint64_t Next() override { return number_; }

 private:
  uint64_t number_;
};

ServiceSettings Stalling() {
  ServiceSettings settings;
  settings.stall_every = minutes(1);
  return settings;
}

struct Stall {
  io::Time begin, end;
  bool operator==(const Stall&) const = default;
};

// Those within the time, as one who looks every 10 ms sees them.
std::vector<Stall> Seen(uint64_t seed, io::Duration length) {
  SeededRandom random(seed);
  const io::Time start{};
  Stalls stalls(Stalling(), start, random);
  std::vector<Stall> seen;
  for (io::Time now = start; now < start + length; now += milliseconds(10)) {
    const io::Duration left = stalls.Left(now);
    if (left == io::Duration::zero()) continue;
    if (seen.empty() || seen.back().end != now + left) seen.push_back({now, now + left});
  }
  return seen;
}

TEST(StallsTest, LastAsLongAsTheyMayAndComeAsOftenAsTheyAreTo) {
  const std::vector<Stall> seen = Seen(3, std::chrono::hours(10));
  for (const Stall& stall : seen) {
    EXPECT_GE(stall.end - stall.begin, seconds(5) - milliseconds(10));
    EXPECT_LE(stall.end - stall.begin, seconds(12));
  }
  EXPECT_NEAR(static_cast<double>(seen.size()), 36'000 / 68.5, 70);  // a minute, and 8.5 s
}

TEST(StallsTest, AreTheSameForASeed) {
  const io::Duration length = minutes(20);
  EXPECT_EQ(Seen(5, length), Seen(5, length));
  EXPECT_NE(Seen(5, length), Seen(6, length));
}

TEST(StallsTest, AreNoneUnlessAskedFor) {
  SeededRandom random(1);
  Stalls stalls({}, io::Time{}, random);
  EXPECT_EQ(stalls.Left(io::Time{} + std::chrono::hours(1000)), io::Duration::zero());
}

// The model in a world whose time the test moves.
class ServiceModelTest : public testing::Test {
 protected:
  ServiceModelTest() : proactor_(clock_, random_), scope_(proactor_.ready()) {}
  ~ServiceModelTest() override {
    EXPECT_EQ(scope_.count(), 0u);
    EXPECT_EQ(proactor_.timers().armed(), 0u);
  }

  ServiceModel& Model(const ServiceSettings& settings) {
    return model_.emplace(proactor_, settings, times_, stalls_);
  }
  void Ask(int messages) {
    for (int i = 0; i < messages; ++i) scope_.Spawn(Count(model_->Message()));
    proactor_.Pump();
  }
  io::Task<void> Count(io::Task<void> task) {
    co_await std::move(task);
    ++served_;
  }
  // In steps, as a loop sees them.
  void Pass(io::Duration by) {
    for (const io::Time end = proactor_.Now() + by; proactor_.Now() < end;) {
      proactor_.Advance(milliseconds(20));
    }
  }

  ManualClock clock_;
  CountingRandom random_;
  ManualProactor proactor_;
  SeededRandom times_{1};
  ConstantRandom stalls_{0.5};  // a stall of 8.5 s each 0.69 of stall_every
  std::optional<ServiceModel> model_;
  int served_ = 0;
  io::TaskScope scope_;
};

TEST_F(ServiceModelTest, TakesTheTimeOfAMessage) {
  ServiceSettings settings;
  settings.time = seconds(1);
  Model(settings);
  Ask(3);
  Pass(milliseconds(900));
  EXPECT_EQ(served_, 0);
  Pass(milliseconds(200));
  EXPECT_EQ(served_, 3);
}

TEST_F(ServiceModelTest, ServesNoMoreAtOnceThanItMayAndTheOthersInTurn) {
  ServiceSettings settings;
  settings.time = seconds(1);
  settings.at_once = 2;
  Model(settings);
  Ask(5);
  Pass(milliseconds(1100));
  EXPECT_EQ(served_, 2);
  Pass(milliseconds(1100));
  EXPECT_EQ(served_, 4);
  Ask(1);  // beside the fifth
  Pass(milliseconds(1100));
  EXPECT_EQ(served_, 6);
}

TEST_F(ServiceModelTest, TakesTheTimeOnAverage) {
  ServiceSettings settings;
  settings.time = seconds(1);
  settings.spread = 0.8;
  settings.at_once = 1;
  Model(settings);
  Ask(2000);
  Pass(seconds(1000));
  EXPECT_NEAR(served_, 1000, 80);
  model_->Stop();
  proactor_.Pump();
}

TEST_F(ServiceModelTest, AnswersNobodyWhileItStalls) {
  ServiceSettings settings = Stalling();
  settings.time = seconds(1);
  Model(settings);
  Pass(seconds(41));
  Ask(1);  // under way when the stall begins, at 41.6 s
  Pass(milliseconds(700));
  scope_.Spawn(Count(model_->Answer()));
  proactor_.Pump();
  Pass(seconds(8));
  EXPECT_EQ(served_, 0);
  Pass(milliseconds(500));  // it ends at 50.1 s
  EXPECT_EQ(served_, 2);
  scope_.Spawn(Count(model_->Answer()));
  proactor_.Pump();
  EXPECT_EQ(served_, 3);
}

TEST_F(ServiceModelTest, EndsAllWaitsWhenStopped) {
  ServiceSettings settings = Stalling();
  settings.time = minutes(1);
  settings.at_once = 1;
  Model(settings);
  Pass(seconds(42));
  Ask(3);
  scope_.Spawn(Count(model_->Answer()));
  proactor_.Pump();
  EXPECT_EQ(served_, 0);
  model_->Stop();
  proactor_.Pump();
  EXPECT_EQ(served_, 4);
  Ask(1);
  EXPECT_EQ(served_, 5);
}

// What a session does with it.
TEST_F(ServiceModelTest, HoldsBackANodesAnswers) {
  ServiceSettings settings;
  settings.time = seconds(1);
  MailStore store;
  store.AddUser("ann", "x");
  store.AddMessage("ann", "A: 1\n");
  MailNodeOptions options;
  options.service = &Model(settings);
  MailNode node(proactor_, store, options);
  Wire wire(proactor_);
  scope_.Spawn(node.Serve(std::make_unique<MemoryStream>(proactor_, wire)));
  wire.to_node.emplace_back("USER ann\r\nPASS x\r\nRETR 1\r\n");
  proactor_.Pump();
  EXPECT_TRUE(wire.from_node.ends_with("+OK Logged in, 1 messages\r\n")) << wire.from_node;
  Pass(milliseconds(1100));
  EXPECT_TRUE(wire.from_node.ends_with("A: 1\r\n.\r\n")) << wire.from_node;
  node.Stop();
  proactor_.Pump();
}

}  // namespace
}  // namespace poplar::demo
