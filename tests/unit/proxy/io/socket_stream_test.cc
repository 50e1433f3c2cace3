#include "proxy/io/socket_stream.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "proxy/io/deadline.h"
#include "proxy/io/task_scope.h"
#include "tests/simulation/network.h"
#include "tests/simulation/sim_proactor.h"
#include "tests/simulation/world.h"

namespace poplar::io {
namespace {

using simulation::Faults;
using simulation::Network;
using simulation::SimProactor;
using simulation::World;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

Task<void> KeepAccepted(SimProactor& proactor, SocketId listener,
                        std::unique_ptr<SocketStream>& into) {
  const Result<Accepted> accepted = co_await proactor.Accept(listener);
  if (accepted) into = std::make_unique<SocketStream>(proactor, accepted->socket);
}

Task<void> KeepConnect(SocketStream& stream, Address to, std::optional<Result<>>& result) {
  result = co_await stream.Connect(to);
}

Task<void> KeepRead(Stream& stream, std::optional<Result<Buffer>>& result) {
  result = co_await stream.Read();
}

Task<void> KeepWrite(Stream& stream, std::string bytes, std::optional<Result<>>& result) {
  result = co_await stream.Write(bytes);
}

Task<void> KeepShutdown(Stream& stream, std::optional<Result<>>& result) {
  result = co_await stream.ShutdownWrite();
}

// Two machines, and after Connect() a stream at each end.
class SocketStreamTest : public testing::Test {
 protected:
  explicit SocketStreamTest(const Faults& faults = {}) : network_(world_, faults) {}

  ~SocketStreamTest() override {
    near_.reset();
    far_.reset();
    EXPECT_EQ(scope_.count(), 0u);
    proactor_.MustBeIdle();
  }

  void Connect(Takes takes = Takes::kLittle) {
    near_.reset();
    far_.reset();
    const SocketId listener = *proactor_.Listen(Address::Loopback(0), {});
    near_ = *OpenStream(proactor_, AF_INET, takes);
    std::optional<Result<>> connected;
    scope_.Spawn(KeepAccepted(proactor_, listener, far_));
    scope_.Spawn(KeepConnect(*near_, proactor_.LocalAddress(listener), connected));
    world_.MustReach(
        "connected", [&] { return connected.has_value() && far_ != nullptr; }, seconds(5));
    EXPECT_TRUE(connected->has_value());
    proactor_.Close(listener);
  }

  template <class T>
  void Await(std::optional<T>& result, Duration most = hours(1)) {
    world_.MustReach("a result", [&] { return result.has_value(); }, most);
  }

  // Lets happen whatever happens in so much time.
  void Pass(Duration time) {
    EXPECT_FALSE(world_.RunUntil([] { return false; }, time));
  }

  std::string ReadAll(Stream& stream, size_t count) {
    std::string all;
    while (all.size() < count) {
      std::optional<Result<Buffer>> read;
      scope_.Spawn(KeepRead(stream, read));
      Await(read);
      if (!read->has_value() || (*read)->empty()) break;
      all.append((*read)->bytes());
    }
    return all;
  }

  World world_{1};
  Network network_;
  SimProactor proactor_{network_, "machine", Address::Loopback(0)};
  TaskScope scope_{proactor_.ready()};
  std::unique_ptr<SocketStream> near_;
  std::unique_ptr<SocketStream> far_;
};

TEST_F(SocketStreamTest, CarriesBytesBothWays) {
  Connect();
  std::optional<Result<>> there, back;
  scope_.Spawn(KeepWrite(*near_, "ping", there));
  scope_.Spawn(KeepWrite(*far_, "pong", back));
  EXPECT_EQ(ReadAll(*far_, 4), "ping");
  EXPECT_EQ(ReadAll(*near_, 4), "pong");
  EXPECT_TRUE(there->has_value());
  EXPECT_TRUE(back->has_value());
}

TEST_F(SocketStreamTest, TakesAsMuchAsItMay) {
  for (const Takes takes : {Takes::kLittle, Takes::kMuch}) {
    Connect(takes);
    const std::string mail(3 * kLargeReceiveBytesMax, 'm');
    std::optional<Result<>> written;
    scope_.Spawn(KeepWrite(*far_, mail, written));
    size_t most = 0;
    size_t left = mail.size();
    while (left > 0) {
      if (left < kLargeReceiveBytesMax) near_->TakeLittle();
      std::optional<Result<Buffer>> read;
      scope_.Spawn(KeepRead(*near_, read));
      Await(read);
      ASSERT_TRUE(read->has_value() && !(*read)->empty());
      most = std::max(most, (*read)->size());
      if (left < kLargeReceiveBytesMax) EXPECT_LE((*read)->size(), kReceiveBytesMax);
      left -= (*read)->size();
    }
    if (takes == Takes::kMuch) {
      EXPECT_GT(most, kReceiveBytesMax);
      EXPECT_LE(most, kLargeReceiveBytesMax);
    } else {
      EXPECT_LE(most, kReceiveBytesMax);
    }
    EXPECT_EQ(proactor_.buffers().in_use(), 0u);
  }
}

TEST_F(SocketStreamTest, WritingNothingReturnsAtOnce) {
  Connect();
  std::optional<Result<>> written;
  scope_.Spawn(KeepWrite(*near_, "", written));
  Await(written);
  EXPECT_TRUE(written->has_value());
}

TEST_F(SocketStreamTest, AnOrderlyEndIsAnEmptyBufferAndTheOtherDirectionGoesOn) {
  Connect();
  std::optional<Result<>> shut, written;
  std::optional<Result<Buffer>> read;
  scope_.Spawn(KeepShutdown(*near_, shut));
  scope_.Spawn(KeepRead(*far_, read));
  Await(read);
  ASSERT_TRUE(read->has_value());
  EXPECT_TRUE((*read)->empty());
  scope_.Spawn(KeepWrite(*far_, "still here", written));
  EXPECT_EQ(ReadAll(*near_, 10), "still here");
  read.reset();
  scope_.Spawn(KeepRead(*far_, read));  // the end stays the end
  Await(read);
  EXPECT_TRUE((*read)->empty());
}

TEST_F(SocketStreamTest, CancelReadEndsTheReadInFlightAndLosesNoByte) {
  Connect();
  std::optional<Result<Buffer>> read;
  scope_.Spawn(KeepRead(*near_, read));
  Pass(milliseconds(10));
  EXPECT_FALSE(read.has_value());
  near_->CancelRead();
  Await(read);
  ASSERT_FALSE(read->has_value());
  EXPECT_TRUE(read->error().cancelled());
  std::optional<Result<>> written;
  scope_.Spawn(KeepWrite(*far_, "later", written));
  EXPECT_EQ(ReadAll(*near_, 5), "later");
}

TEST_F(SocketStreamTest, CancelReadWithoutAReadDoesNothing) {
  Connect();
  near_->CancelRead();
  std::optional<Result<>> written;
  scope_.Spawn(KeepWrite(*far_, "x", written));
  EXPECT_EQ(ReadAll(*near_, 1), "x");
}

TEST_F(SocketStreamTest, AbortEndsWhatIsInFlightAndWhatComesLater) {
  Connect();
  std::optional<Result<Buffer>> read;
  std::optional<Result<>> written;
  scope_.Spawn(KeepRead(*near_, read));
  scope_.Spawn(KeepWrite(*near_, std::string(10'000'000, 'x'), written));
  Pass(milliseconds(10));
  EXPECT_FALSE(written.has_value()) << "nobody reads: it must be held";
  near_->Abort();
  near_->Abort();
  Await(read);
  Await(written);
  EXPECT_TRUE(read->error().cancelled());
  EXPECT_TRUE(written->error().cancelled());
  std::optional<Result<Buffer>> read_later;
  std::optional<Result<>> written_later, shut_later, connected_later;
  scope_.Spawn(KeepRead(*near_, read_later));
  scope_.Spawn(KeepWrite(*near_, "y", written_later));
  scope_.Spawn(KeepShutdown(*near_, shut_later));
  scope_.Spawn(KeepConnect(*near_, Address::Loopback(1), connected_later));
  Await(connected_later);
  EXPECT_TRUE(read_later->error().cancelled());
  EXPECT_TRUE(written_later->error().cancelled());
  EXPECT_TRUE(shut_later->error().cancelled());
  EXPECT_TRUE(connected_later->error().cancelled());
}

TEST_F(SocketStreamTest, ThePeerSeesTheEndAfterAnAbort) {
  Connect();
  near_->Abort();
  std::optional<Result<Buffer>> read;
  scope_.Spawn(KeepRead(*far_, read));
  Await(read);
  EXPECT_TRUE(!read->has_value() || (*read)->empty());
}

TEST_F(SocketStreamTest, ClosingWithUnreadBytesResetsThePeer) {
  Connect();
  std::optional<Result<>> written;
  scope_.Spawn(KeepWrite(*far_, "never read", written));
  Await(written);
  Pass(milliseconds(10));
  near_.reset();
  std::optional<Result<Buffer>> read;
  scope_.Spawn(KeepRead(*far_, read));
  Await(read);
  ASSERT_FALSE(read->has_value());
  EXPECT_EQ(read->error().code, ECONNRESET);
}

TEST_F(SocketStreamTest, ConnectToNobodyIsRefused) {
  near_ = *OpenStream(proactor_, AF_INET);
  std::optional<Result<>> connected;
  scope_.Spawn(KeepConnect(*near_, Address::Loopback(9), connected));
  Await(connected);
  ASSERT_FALSE(connected->has_value());
  EXPECT_EQ(connected->error().code, ECONNREFUSED);
}

TEST_F(SocketStreamTest, OpenStreamRefusesAnUnknownFamily) {
  const auto stream = OpenStream(proactor_, AF_UNIX);
  ASSERT_FALSE(stream.has_value());
  EXPECT_EQ(stream.error().code, EAFNOSUPPORT);
}

Task<void> ReadWithDeadline(SimProactor& proactor, Stream& stream, Duration timeout,
                            std::optional<bool>& expired) {
  Deadline deadline(proactor, timeout, stream);
  const Result<Buffer> read = co_await stream.Read();
  EXPECT_EQ(deadline.expired(), !read.has_value());
  expired = deadline.expired();
}

TEST_F(SocketStreamTest, ADeadlineEndsARead) {
  Connect();
  std::optional<bool> expired;
  const Time begin = world_.Now();
  scope_.Spawn(ReadWithDeadline(proactor_, *near_, seconds(3), expired));
  Await(expired);
  EXPECT_TRUE(*expired);
  EXPECT_GE(world_.Now() - begin, seconds(3));
  EXPECT_LE(world_.Now() - begin, seconds(3) + 2 * TimerWheel::kStep);
}

TEST_F(SocketStreamTest, ADeadlineThatIsNotReachedDoesNothing) {
  Connect();
  std::optional<bool> expired;
  std::optional<Result<>> written;
  scope_.Spawn(ReadWithDeadline(proactor_, *near_, seconds(3), expired));
  scope_.Spawn(KeepWrite(*far_, "in time", written));
  Await(expired);
  EXPECT_FALSE(*expired);
  EXPECT_EQ(proactor_.timers().armed(), 0u);
}

// Whoever sets it anew for each read, and is busy in between, isn't given another step of the wheel
// each time.
TEST_F(SocketStreamTest, ADeadlineThatIsOverEndsTheReadThoughBytesAreAtHand) {
  Connect();
  std::optional<Result<>> written;
  scope_.Spawn(KeepWrite(*far_, "too late", written));
  Pass(seconds(1));
  std::optional<bool> expired;
  scope_.Spawn(ReadWithDeadline(proactor_, *near_, seconds(0), expired));
  Await(expired);
  EXPECT_TRUE(*expired);
  EXPECT_EQ(proactor_.timers().armed(), 0u);
}

TEST_F(SocketStreamTest, DetachesOnlyWhileNothingIsUnderWay) {
  near_ = *OpenStream(proactor_, AF_INET);
  std::optional<Result<>> refused;
  scope_.Spawn(KeepConnect(*near_, Address::Loopback(9), refused));
  Pass(Duration(0));
  EXPECT_FALSE(near_->Detach()) << "connecting";
  Await(refused);
  Connect();
  std::optional<Result<Buffer>> read;
  scope_.Spawn(KeepRead(*near_, read));
  Pass(milliseconds(1));
  EXPECT_FALSE(near_->Detach()) << "reading";
  near_->CancelRead();
  world_.MustReach("the completion", [&] { return !proactor_.ready().empty(); }, seconds(1));
  EXPECT_FALSE(read.has_value());
  EXPECT_FALSE(near_->Detach()) << "the read has its result but hasn't returned";
  Await(read);
  std::optional<Result<>> written;
  scope_.Spawn(KeepWrite(*near_, std::string(1'000'000, 'x'), written));
  Pass(milliseconds(10));
  EXPECT_FALSE(near_->Detach()) << "writing";
  EXPECT_EQ(ReadAll(*far_, 1'000'000).size(), 1'000'000u);
  Await(written);
  EXPECT_TRUE(near_->Detach());
  near_->Attach(proactor_);
  near_->Abort();
  EXPECT_FALSE(near_->Detach()) << "aborted";
  EXPECT_FALSE(near_->Quiet());
}

TEST_F(SocketStreamTest, GoesOnAtAnotherProactor) {
  SimProactor other(network_, "other worker", Address::Loopback(0));
  TaskScope scope(other.ready());
  Connect();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(near_->Detach());
    near_->Attach(other);
    EXPECT_TRUE(near_->Quiet());
    std::optional<Result<>> written, answered;
    scope.Spawn(KeepWrite(*near_, "ping", written));
    EXPECT_EQ(ReadAll(*far_, 4), "ping");
    scope_.Spawn(KeepWrite(*far_, "pong", answered));
    std::string got;
    while (got.size() < 4) {
      std::optional<Result<Buffer>> read;
      scope.Spawn(KeepRead(*near_, read));
      Await(read);
      got += (*read)->bytes();
    }
    EXPECT_EQ(got, "pong");
    EXPECT_TRUE(near_->Detach());
    other.MustBeIdle();
    near_->Attach(proactor_);
  }
  EXPECT_TRUE(near_->Detach());
  EXPECT_DEATH(near_.reset(), "proactor_ != nullptr");
  EXPECT_DEATH(near_->Abort(), "proactor_ != nullptr");
  near_->Attach(proactor_);
  EXPECT_DEATH(near_->Attach(other), "proactor_ == nullptr");
}

class SlowCancelTest : public SocketStreamTest {
 protected:
  SlowCancelTest() : SocketStreamTest(Faults{.cancel_delay_max = seconds(1)}) {}
};

TEST_F(SlowCancelTest, ACancellationThatComesTooLateLeavesTheNextReadAlone) {
  Connect();
  int too_late = 0;
  for (int i = 0; i < 20; ++i) {
    std::optional<Result<Buffer>> first, second;
    std::optional<Result<>> written;
    scope_.Spawn(KeepRead(*near_, first));
    Pass(milliseconds(1));
    near_->CancelRead();
    scope_.Spawn(KeepWrite(*far_, "x", written));
    Await(first);
    if (first->has_value()) ++too_late;
    scope_.Spawn(KeepRead(*near_, second));
    Pass(seconds(2));
    EXPECT_EQ(second.has_value(), !first->has_value()) << "the byte comes once";
    if (!second) scope_.Spawn(KeepWrite(*far_, "y", written));
    Await(second);
    EXPECT_TRUE(second->has_value());
  }
  EXPECT_GT(too_late, 10);
}

class LostConnectTest : public SocketStreamTest {
 protected:
  LostConnectTest() : SocketStreamTest(Faults{.connect_lost = 1}) {}
};

TEST_F(LostConnectTest, AbortEndsAConnect) {
  near_ = *OpenStream(proactor_, AF_INET);
  std::optional<Result<>> connected;
  scope_.Spawn(KeepConnect(*near_, Address::Loopback(9), connected));
  Pass(seconds(15));
  EXPECT_FALSE(connected.has_value());
  near_->Abort();
  Await(connected);
  EXPECT_TRUE(connected->error().cancelled());
}

}  // namespace
}  // namespace poplar::io
