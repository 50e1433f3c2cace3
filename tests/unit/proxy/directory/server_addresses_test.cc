#include "proxy/directory/server_addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "tests/simulation/network.h"
#include "tests/simulation/sim_proactor.h"
#include "tests/unit/proxy/upstream/scripted_resolver.h"

namespace poplar::directory {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = io::ResolveError::Kind;

constexpr char kName[] = "auth.test";

class ServerAddressesTest : public testing::Test {
 protected:
  ServerAddressesTest() {
    lookups_.resolver = &resolver_;
    lookups_.note = [this](const std::string& host, const std::string& trouble, bool known) {
      notes_.push_back(host + (known ? " (known): " : ": ") + trouble);
    };
    addresses_.emplace(poplar_, scope_, lookups_, kName, 80);
  }
  ~ServerAddressesTest() override {
    addresses_->Stop();
    resolver_.Stop();
    EXPECT_TRUE(world_.RunUntil([this] { return scope_.count() == 0; }, seconds(1)));
    poplar_.MustBeIdle();
  }

  // "address:port ...", or why there is none.
  struct Asked {
    std::optional<std::string> text;
    io::Duration took{};
  };
  io::Task<void> AskTask(Asked* asked, io::Duration patience) {
    const io::Time begun = world_.Now();
    const auto got = co_await addresses_->Get(begun + patience);
    asked->took = world_.Now() - begun;
    std::string text = got ? "" : "none: " + got.error();
    for (size_t i = 0; got && i < got->size(); ++i) text += (i == 0 ? "" : " ") + got->at(i).Text();
    asked->text = text;
  }
  Asked& Begin(io::Duration patience = seconds(5)) {
    Asked& asked = asked_.emplace_back();
    scope_.Spawn(AskTask(&asked, patience));
    RunFor(io::Duration::zero());
    return asked;
  }
  Asked& Await(Asked& asked) {
    EXPECT_TRUE(world_.RunUntil([&] { return asked.text.has_value(); }, minutes(1)));
    return asked;
  }
  std::string Ask() { return Await(Begin()).text.value_or(""); }
  static io::Task<void> Sleep(io::Proactor* proactor, io::Duration time, bool* over) {
    co_await proactor->Sleep(time);
    *over = true;
  }
  void RunFor(io::Duration time) {
    bool over = false;
    scope_.Spawn(Sleep(&poplar_, time, &over));
    EXPECT_TRUE(world_.RunUntil([&] { return over; }, time + seconds(1)));
  }
  size_t questions() const { return resolver_.asked.size(); }

  simulation::World world_{7};
  simulation::Network network_{world_, {}};
  simulation::SimProactor poplar_{network_, "poplar", *io::Address::Parse("192.0.2.1", 0)};
  io::TaskScope scope_{poplar_.ready()};
  upstream::ScriptedResolver resolver_;
  NameLookups lookups_;
  std::vector<std::string> notes_;
  std::optional<ServerAddresses> addresses_;
  std::deque<Asked> asked_;
};

TEST_F(ServerAddressesTest, AnAddressIsNeverAskedFor) {
  for (const char* host : {"192.0.2.7", "2001:db8::7"}) {
    lookups_.resolver = nullptr;
    addresses_.emplace(poplar_, scope_, lookups_, host, 80);
    addresses_->Refresh();
    EXPECT_EQ(Ask(), io::Address::Parse(host, 80)->Text());
    addresses_->Doubt();
    RunFor(minutes(60));
    EXPECT_EQ(Ask(), io::Address::Parse(host, 80)->Text());
  }
  EXPECT_EQ(questions(), 0u);
}

TEST_F(ServerAddressesTest, AnAnswerCountsForItsTtl) {
  resolver_.SetHost(kName, {"192.0.2.7"}, seconds(10));
  EXPECT_EQ(Ask(), "192.0.2.7:80");
  resolver_.SetHost(kName, {"192.0.2.8"}, seconds(10));
  RunFor(milliseconds(9900));
  EXPECT_EQ(Ask(), "192.0.2.7:80");
  RunFor(milliseconds(200));
  EXPECT_EQ(Ask(), "192.0.2.8:80");
  EXPECT_EQ(questions(), 2u);
}

// Nobody wants them: nobody is asked.
TEST_F(ServerAddressesTest, OldAddressesAreAskedForWhenSomebodyWantsThem) {
  resolver_.SetHost(kName, {"192.0.2.7"});
  addresses_->Refresh();
  RunFor(minutes(60));
  EXPECT_EQ(questions(), 1u);
  EXPECT_EQ(Ask(), "192.0.2.7:80");
  EXPECT_EQ(questions(), 2u);
}

TEST_F(ServerAddressesTest, TheTtlHasAFloorAndACeiling) {
  resolver_.SetHost(kName, {"192.0.2.7"}, io::Duration::zero());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Ask(), "192.0.2.7:80");
  EXPECT_EQ(questions(), 1u);
  RunFor(lookups_.ttl_min);
  resolver_.SetHost(kName, {"192.0.2.8"}, seconds(INT32_MAX));
  EXPECT_EQ(Ask(), "192.0.2.8:80");
  resolver_.SetHost(kName, {"192.0.2.9"});
  RunFor(lookups_.ttl_max);
  EXPECT_EQ(Ask(), "192.0.2.9:80");
}

TEST_F(ServerAddressesTest, Ipv4ComesFirstAndTheNameServersOrderCounts) {
  resolver_.SetHost(kName, {"2001:db8::2", "192.0.2.9", "2001:db8::1", "192.0.2.7"});
  EXPECT_EQ(Ask(), "192.0.2.9:80 192.0.2.7:80 [2001:db8::2]:80 [2001:db8::1]:80");
}

TEST_F(ServerAddressesTest, AFailureKeepsTheLastGoodOnesAndIsToldOfOnce) {
  resolver_.SetHost(kName, {"192.0.2.7"});
  EXPECT_EQ(Ask(), "192.0.2.7:80");
  for (const Kind kind : {Kind::kFailed, Kind::kFailed, Kind::kNotFound}) {
    resolver_.Fail(kName, kind);
    RunFor(seconds(30));
    EXPECT_EQ(Ask(), "192.0.2.7:80");
  }
  EXPECT_EQ(questions(), 4u);
  resolver_.SetHost(kName, {"192.0.2.8"});
  RunFor(seconds(30));
  EXPECT_EQ(Ask(), "192.0.2.8:80");
  EXPECT_THAT(notes_,
              ElementsAre("auth.test (known): auth.test: no answer",
                          "auth.test (known): auth.test: there is no such", "auth.test (known): "));
}

TEST_F(ServerAddressesTest, ANameThatIsNotFoundAtFirstIsAskedForAgain) {
  EXPECT_EQ(Ask(), "none: auth.test: there is no such");
  EXPECT_EQ(Ask(), "none: auth.test: there is no such");
  EXPECT_EQ(questions(), 1u) << "not before ttl_min";
  resolver_.SetHost(kName, {"192.0.2.7"});
  RunFor(lookups_.ttl_min);
  EXPECT_EQ(Ask(), "192.0.2.7:80");
  EXPECT_THAT(notes_, ElementsAre("auth.test: auth.test: there is no such", "auth.test (known): "));
}

TEST_F(ServerAddressesTest, OneFamilyOfWhichNothingIsKnownStaysWhereItWas) {
  resolver_.SetHost(kName, {"192.0.2.7", "2001:db8::7"});
  EXPECT_EQ(Ask(), "192.0.2.7:80 [2001:db8::7]:80");
  resolver_.SetHost(kName, {"192.0.2.8"}, minutes(4));
  resolver_.SetHalf(kName);
  RunFor(seconds(10));
  EXPECT_EQ(Ask(), "192.0.2.8:80 [2001:db8::7]:80");
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("only one family")));
  // What is missing is asked for soon.
  resolver_.SetHost(kName, {"192.0.2.9"});
  RunFor(lookups_.ttl_min);
  EXPECT_EQ(Ask(), "192.0.2.9:80");
}

TEST_F(ServerAddressesTest, OneQuestionAtATimeHoweverManyWait) {
  resolver_.Hold();
  Asked& first = Begin();
  Asked& second = Begin();
  RunFor(seconds(1));
  EXPECT_FALSE(first.text || second.text);
  resolver_.SetHost(kName, {"192.0.2.7"});
  resolver_.Release();
  EXPECT_EQ(Await(first).text, "192.0.2.7:80");
  EXPECT_EQ(Await(second).text, "192.0.2.7:80");
  EXPECT_EQ(questions(), 1u);
}

TEST_F(ServerAddressesTest, WithoutAnAddressTheDeadlineEndsTheWait) {
  resolver_.Hold();
  const Asked& asked = Await(Begin(seconds(2)));
  EXPECT_EQ(asked.text, "none: its name auth.test wasn't looked up in time");
  EXPECT_GE(asked.took, seconds(2));
  EXPECT_LT(asked.took, milliseconds(2100));
  // The answer isn't lost.
  resolver_.SetHost(kName, {"192.0.2.7"});
  resolver_.Release();
  EXPECT_EQ(Ask(), "192.0.2.7:80");
  EXPECT_EQ(questions(), 1u);
}

// A silent name server costs one second once, not each opening of a connection.
TEST_F(ServerAddressesTest, OldAddressesStandInForThoseThatDoNotCome) {
  resolver_.SetHost(kName, {"192.0.2.7"});
  EXPECT_EQ(Ask(), "192.0.2.7:80");
  RunFor(seconds(20));
  resolver_.Hold();
  const Asked& first = Await(Begin());
  EXPECT_EQ(first.text, "192.0.2.7:80");
  EXPECT_GE(first.took, ServerAddresses::kRefreshMax);
  EXPECT_LT(first.took, ServerAddresses::kRefreshMax + milliseconds(100));
  const Asked& second = Await(Begin());
  EXPECT_EQ(second.text, "192.0.2.7:80");
  EXPECT_LT(second.took, milliseconds(10));
  EXPECT_EQ(questions(), 2u);
}

TEST_F(ServerAddressesTest, HalfOfAShortTimeIsForOldAddresses) {
  resolver_.SetHost(kName, {"192.0.2.7"});
  EXPECT_EQ(Ask(), "192.0.2.7:80");
  RunFor(seconds(20));
  resolver_.Hold();
  const Asked& asked = Await(Begin(milliseconds(400)));
  EXPECT_EQ(asked.text, "192.0.2.7:80");
  EXPECT_LT(asked.took, milliseconds(250));
}

TEST_F(ServerAddressesTest, DoubtAsksAnewButNotBeforeTheFloor) {
  resolver_.SetHost(kName, {"192.0.2.7"}, minutes(5));
  EXPECT_EQ(Ask(), "192.0.2.7:80");
  resolver_.SetHost(kName, {"192.0.2.8"}, minutes(5));
  addresses_->Doubt();
  EXPECT_EQ(Ask(), "192.0.2.7:80");
  RunFor(lookups_.ttl_min);
  EXPECT_EQ(Ask(), "192.0.2.8:80");
  EXPECT_EQ(questions(), 2u);
}

TEST_F(ServerAddressesTest, StopEndsTheWait) {
  resolver_.Hold();
  const Asked& asked = Begin();
  addresses_->Stop();
  RunFor(milliseconds(1));
  ASSERT_TRUE(asked.text);
  EXPECT_THAT(*asked.text, HasSubstr("none: its name auth.test"));
  resolver_.Stop();
  RunFor(milliseconds(1));
  EXPECT_EQ(scope_.count(), 0u);
  EXPECT_EQ(Ask(), "none: its name auth.test is looked up no more");
  EXPECT_TRUE(notes_.empty());
}

}  // namespace
}  // namespace poplar::directory
