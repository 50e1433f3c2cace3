// Two processes, or three, of which each is here an Affinity of its own: who takes over holds the
// users of the one before.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/handover/ghost_leases.h"
#include "proxy/handover/predecessor.h"
#include "proxy/handover/successor.h"
#include "proxy/handover/ticket_file.h"
#include "proxy/io/kernel_socket.h"

namespace poplar::handover {
namespace {

using balancer::Affinity;
using balancer::CanonicalUser;
using balancer::ClusterId;
using balancer::NodeId;
using BindResult = Affinity::BindResult;

CanonicalUser User(const std::string& name) { return CanonicalUser::FromCanonical(name); }

void Await(const std::function<bool()>& condition) {
  while (!condition()) std::this_thread::yield();
}

// A process: nodes are called "a", "b", and have numbers from `first` on.
struct Process {
  explicit Process(uint32_t first) : first_node(first) {}
  ~Process() {
    successor.Disconnect();
    predecessor.reset();
    ghosts.Clear();
  }

  Places PlacesNow() const {
    return {.find = [this](std::string_view cluster,
                           std::string_view node) -> std::optional<Places::Node> {
              if (cluster != "main" || (node != "a" && node != "b")) return std::nullopt;
              return Places::Node{ClusterId{0}, Node(node)};
            },
            .name_of_cluster = [](ClusterId) { return "main"; },
            .name_of_node =
                [this](NodeId node) {
                  return std::string(
                      1, static_cast<char>('a' + (static_cast<uint32_t>(node) - first_node)));
                }};
  }
  NodeId Node(std::string_view name) const {
    return NodeId{first_node + static_cast<uint32_t>(name[0] - 'a')};
  }
  Affinity::Lease Bound(const std::string& user, std::string_view node) {
    auto lease = affinity.Acquire(ClusterId{0}, User(user), Node(node));
    EXPECT_EQ(lease.Bind(), BindResult::kBound);
    return lease;
  }
  std::optional<NodeId> NodeOf(const std::string& user) const {
    return affinity.NodeOf(ClusterId{0}, User(user));
  }
  // A login that begins after the hand-over, as the session's code does it.
  Affinity::Lease LogIn(const std::string& user, std::string_view node) {
    auto lease = affinity.Acquire(ClusterId{0}, User(user), Node(node));
    while (lease.Bind() != BindResult::kBound) {
      std::atomic<bool> done = false;
      successor.ClaimFor(ClusterId{0}, User(user), lease.node(), [&done] { done = true; });
      Await([&] { return done.load(); });
    }
    return lease;
  }

  void HandOverTo(Process& next) {
    auto ends = *io::ProcessChannel::Open();
    next.predecessor = std::make_unique<Predecessor>(std::move(ends.second));
    for (const HeldUser& user : successor.HandOver()) EXPECT_TRUE(next.ghosts.Hold(user));
    successor.Connect(std::move(ends.first),
                      [this] { return std::vector<SlotCount>{{"main", "a", slots.load()}}; });
    next.predecessor->Listen(
        next.ghosts, [&next](const SlotCount& count) { next.slots_elsewhere = count.count; },
        [] {});
  }

  const uint32_t first_node;
  Affinity affinity;
  Successor successor{affinity, PlacesNow()};
  GhostLeases ghosts{affinity, PlacesNow(), successor};
  std::unique_ptr<Predecessor> predecessor;
  std::atomic<uint32_t> slots = 0;
  std::atomic<uint32_t> slots_elsewhere = 0;
};

class TakeOverTest : public testing::Test {
 protected:
  void SetUp() override { alarm(60); }
  void TearDown() override { alarm(0); }
};

TEST_F(TakeOverTest, UsersStayWhereTheirSessionsAre) {
  Process next(10);
  Process old(1);
  auto alice = old.Bound("alice", "b");
  old.HandOverTo(next);
  EXPECT_EQ(next.NodeOf("alice"), next.Node("b"));
  auto also_alice = next.Bound("alice", "a");
  EXPECT_EQ(also_alice.node(), next.Node("b"));
  alice.Release();
  Await([&] { return next.ghosts.size() == 0; });
  EXPECT_EQ(next.NodeOf("alice"), next.Node("b")) << "a session of its own holds the user now";
  also_alice.Release();
  // The ghost may be out of the list a moment before its lease is.
  Await([&] { return next.NodeOf("alice") == std::nullopt; });
}

TEST_F(TakeOverTest, LoginsOfTheOldProcessGoWhereTheNewOneSays) {
  Process next(10);
  Process old(1);
  old.HandOverTo(next);
  auto bob = next.Bound("bob", "b");
  EXPECT_EQ(old.LogIn("bob", "a").node(), old.Node("b"));
  auto carol = old.LogIn("carol", "a");
  EXPECT_EQ(next.NodeOf("carol"), next.Node("a"));
  EXPECT_EQ(next.Bound("carol", "b").node(), next.Node("a"));
  carol.Release();
  Await([&] { return next.NodeOf("carol") == std::nullopt; });
}

TEST_F(TakeOverTest, TheOldProcessDecidesAgainWhereTheNewOneIsGone) {
  Process old(1);
  {
    Process next(10);
    old.HandOverTo(next);
    auto bob = old.LogIn("bob", "a");
    EXPECT_EQ(next.NodeOf("bob"), next.Node("a"));
  }
  EXPECT_EQ(old.LogIn("bob", "b").node(), old.Node("b"));
}

TEST_F(TakeOverTest, TheNewProcessForgetsTheOldOneThatIsGone) {
  Process next(10);
  auto old = std::make_unique<Process>(1);
  auto alice = old->Bound("alice", "b");
  old->HandOverTo(next);
  old->slots = 3;
  Await([&] { return next.slots_elsewhere == 3; });
  EXPECT_EQ(next.NodeOf("alice"), next.Node("b"));
  alice.Release();
  old.reset();
  Await([&] { return next.predecessor->gone(); });
  EXPECT_EQ(next.NodeOf("alice"), std::nullopt);
}

// The first one is still there when the second one has a successor itself.
TEST_F(TakeOverTest, GoesOnThroughSeveralProcesses) {
  Process third(20);
  Process second(10);
  Process first(1);
  auto alice = first.Bound("alice", "b");
  first.HandOverTo(second);
  second.HandOverTo(third);
  EXPECT_EQ(third.NodeOf("alice"), third.Node("b"));
  auto dave = third.Bound("dave", "b");
  EXPECT_EQ(first.LogIn("dave", "a").node(), first.Node("b"));
  auto erin = first.LogIn("erin", "a");
  EXPECT_EQ(third.NodeOf("erin"), third.Node("a"));
  erin.Release();
  alice.Release();
  Await([&] { return third.NodeOf("erin") == std::nullopt; });
  Await([&] { return third.NodeOf("alice") == std::nullopt; });
}

// At no moment is a user on two nodes, whoever logs in where.
TEST_F(TakeOverTest, NobodyIsEverOnTwoNodes) {
  Process next(10);
  Process old(1);
  std::vector<std::atomic<int>> on_a(20);
  std::vector<std::atomic<int>> on_b(20);
  std::atomic<bool> stopping = false;
  std::atomic<int> logins = 0;
  const auto visit = [&](Process& process, size_t user, const char* node) {
    auto lease = process.LogIn("u" + std::to_string(user), node);
    auto& here = lease.node() == process.Node("a") ? on_a[user] : on_b[user];
    auto& there = lease.node() == process.Node("a") ? on_b[user] : on_a[user];
    ++here;
    EXPECT_EQ(there, 0) << "user " << user;
    std::this_thread::yield();
    --here;
    ++logins;
  };
  const auto run = [&](Process& process, const char* node, size_t step) {
    for (size_t i = step; !stopping && !testing::Test::HasFailure(); i += step)
      visit(process, i % on_a.size(), node);
  };
  std::vector<std::thread> threads;
  threads.emplace_back(run, std::ref(old), "a", 1);
  threads.emplace_back(run, std::ref(old), "b", 3);
  Await([&] { return logins > 200; });
  old.HandOverTo(next);
  threads.emplace_back(run, std::ref(next), "b", 7);
  threads.emplace_back(run, std::ref(next), "a", 9);
  Await([&] { return logins > 3000 || testing::Test::HasFailure(); });
  stopping = true;
  for (std::thread& thread : threads) thread.join();
}

// --- what is said before

TEST_F(TakeOverTest, SocketsAndKeysComeAlong) {
  auto ends = *io::ProcessChannel::Open();
  const io::ProcessChannel& old = ends.first;
  Predecessor predecessor(std::move(ends.second));
  const io::Descriptor socket(*io::OpenListening(io::Address::Loopback(0), {}, io::Blocking::kNo));
  const auto keys = tls::TicketKeys::Generate();
  const io::Descriptor file = WriteTicketFile(*keys);
  const auto patience = std::chrono::seconds(5);
  const Fields facts = FieldsOf(SocketFacts{std::string(kPop3), "pop3s"});
  ASSERT_TRUE(old.Send(FrameOf(FrameKind::kSockets, Fields().Nested(Tag::kSocket, facts)), patience,
                       {socket.get()}));
  ASSERT_TRUE(old.Send(FrameOf(static_cast<FrameKind>(4711)), patience));
  ASSERT_TRUE(old.Send(FrameOf(FrameKind::kTicketKeys), patience, {file.get()}));
  ASSERT_TRUE(old.Send(FrameOf(FrameKind::kPrepare), patience));
  auto inheritance = predecessor.Receive();
  ASSERT_TRUE(inheritance) << inheritance.error();
  EXPECT_EQ(inheritance->sockets.Take(kPop3, "pop3s", io::LocalAddressOf(socket.get())).size(), 1u);
  ASSERT_NE(inheritance->ticket_keys, nullptr);
  EXPECT_EQ(inheritance->ticket_keys->sealing(), keys->sealing());
}

TEST_F(TakeOverTest, WhatIsRememberedComesBeforeTheWordToServe) {
  auto ends = *io::ProcessChannel::Open();
  const io::ProcessChannel& old = ends.first;
  Predecessor predecessor(std::move(ends.second));
  const auto patience = std::chrono::seconds(5);
  for (const char* user : {"alice", "bob"}) {
    ASSERT_TRUE(
        old.Send(FrameOf(FrameKind::kUsers,
                         Fields().Nested(Tag::kUser, FieldsOf(HeldUser{"main", user, "a"}))),
                 patience));
  }
  ASSERT_TRUE(old.Send(FrameOf(FrameKind::kServe), patience));
  const auto memories = predecessor.TakeOver();
  ASSERT_TRUE(memories) << memories.error();
  EXPECT_EQ(memories->users.size(), 2u);
  const auto said = old.Receive(patience);
  ASSERT_TRUE(said);
  EXPECT_EQ(ParseFrame(said->bytes)->kind, FrameKind::kPrepared);
  predecessor.Refuse("for a reason");
  const auto refused = old.Receive(patience);
  ASSERT_TRUE(refused);
  EXPECT_EQ(TextIn(ParseFrame(refused->bytes)->fields, Tag::kText), "for a reason");
}

TEST_F(TakeOverTest, AnOldProcessThatIsGoneIsNoticed) {
  auto ends = *io::ProcessChannel::Open();
  Predecessor predecessor(std::move(ends.second));
  EXPECT_FALSE(predecessor.left());
  ends.first = io::ProcessChannel();
  EXPECT_TRUE(predecessor.left());
  EXPECT_FALSE(predecessor.Receive());
  EXPECT_FALSE(predecessor.TakeOver());
}

}  // namespace
}  // namespace poplar::handover
