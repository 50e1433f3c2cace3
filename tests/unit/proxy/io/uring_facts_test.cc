// What the kernel must do for proxy/io/uring_proactor.cc to be right, tried on the bare ring. Where
// a fact differs on another kernel, the message says which code stands on it.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <liburing.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace poplar::io {
namespace {

constexpr unsigned kDeferred = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
constexpr unsigned kBufferBytes = 1024;

struct Completion {
  uint64_t user_data;
  int result;
  unsigned flags;
};

class UringFactsTest : public testing::Test {
 protected:
  void Open(unsigned flags) {
    const int result = io_uring_queue_init(64, &ring_, flags);
    if (result == -EPERM || result == -ENOSYS) {
      GTEST_SKIP() << "no io_uring here: " << strerrorname_np(-result);
    }
    if (result == -EINVAL) GTEST_SKIP() << "this kernel lacks the flags; CreateRing drops them too";
    ASSERT_EQ(result, 0);
    open_ = true;
  }

  void TearDown() override {
    if (open_) io_uring_queue_exit(&ring_);
    for (const int descriptor : descriptors_) close(descriptor);
    if (buffer_ring_ != nullptr) munmap(buffer_ring_, 4096);
  }

  // Two connected TCP sockets: what the proxy has, not a socketpair.
  std::array<int, 2> Connected() {
    const int listener = Keep(socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener, 8), 0);
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
    const int near = Keep(socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(connect(near, reinterpret_cast<sockaddr*>(&address), length), 0);
    return {near, Keep(accept(listener, nullptr, nullptr))};
  }

  int Keep(int descriptor) {
    descriptors_.push_back(descriptor);
    return descriptor;
  }

  void ProvideBuffers(unsigned count) {
    void* memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    buffer_ring_ = static_cast<io_uring_buf_ring*>(memory);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<uintptr_t>(memory);
    registration.ring_entries = 64;
    ASSERT_EQ(io_uring_register_buf_ring(&ring_, &registration, 0), 0);
    io_uring_buf_ring_init(buffer_ring_);
    buffers_.resize(size_t{64} * kBufferBytes);
    for (unsigned i = 0; i < count; ++i) {
      io_uring_buf_ring_add(buffer_ring_, buffers_.data() + i * kBufferBytes, kBufferBytes,
                            static_cast<unsigned short>(i), io_uring_buf_ring_mask(64),
                            static_cast<int>(i));
    }
    io_uring_buf_ring_advance(buffer_ring_, static_cast<int>(count));
  }

  void Receive(int descriptor, uint64_t user_data, unsigned short priority) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    io_uring_prep_recv(entry, descriptor, nullptr, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->ioprio |= priority;
    entry->user_data = user_data;
  }

  void Cancel(uint64_t target, uint64_t user_data) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    io_uring_prep_cancel64(entry, target, 0);
    entry->user_data = user_data;
  }

  // Submits and lets the kernel deliver; whatever is there then, without waiting.
  std::vector<Completion> Settle() {
    std::vector<Completion> all;
    io_uring_submit_and_get_events(&ring_);
    for (;;) {
      std::vector<Completion> some = Look();
      if (some.empty()) return all;
      all.insert(all.end(), some.begin(), some.end());
      io_uring_get_events(&ring_);
    }
  }

  // What stands in the completion queue now; never enters the kernel.
  std::vector<Completion> Look() {
    std::vector<Completion> seen;
    unsigned head = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
      seen.push_back({completion->user_data, completion->res, completion->flags});
    }
    io_uring_cq_advance(&ring_, static_cast<unsigned>(seen.size()));
    return seen;
  }

  Completion WaitForOne() {
    io_uring_cqe* completion = nullptr;
    io_uring_submit_and_wait(&ring_, 1);
    EXPECT_EQ(io_uring_wait_cqe(&ring_, &completion), 0);
    const Completion seen{completion->user_data, completion->res, completion->flags};
    io_uring_cqe_seen(&ring_, completion);
    return seen;
  }

  io_uring ring_{};
  bool open_ = false;
  io_uring_buf_ring* buffer_ring_ = nullptr;
  std::string buffers_;
  std::vector<int> descriptors_;
};

#define OPEN_OR_SKIP(flags) \
  Open(flags);              \
  if (IsSkipped() || HasFatalFailure()) return

TEST_F(UringFactsTest, WithoutABufferAReceiveFailsAtOnceUnlessItPollsFirst) {
  OPEN_OR_SKIP(kDeferred);
  ProvideBuffers(0);
  const auto [near, far] = Connected();
  Receive(far, 1, 0);
  std::vector<Completion> seen = Settle();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].result, -ENOBUFS) << "UringProactor::OnReceive parks a receive on ENOBUFS";

  Receive(far, 2, IORING_RECVSEND_POLL_FIRST);
  EXPECT_TRUE(Settle().empty()) << "poll-first keeps idle connections off the starved list "
                                   "(UringProactor::StartReceive)";
  ASSERT_EQ(write(near, "x", 1), 1);
  EXPECT_EQ(WaitForOne().result, -ENOBUFS) << "UringProactor::OnReceive";
}

TEST_F(UringFactsTest, AReceiveTakesNoBufferWhileItWaits) {
  OPEN_OR_SKIP(kDeferred);
  ProvideBuffers(1);
  std::vector<std::array<int, 2>> pairs;
  for (uint64_t i = 0; i < 5; ++i) {
    pairs.push_back(Connected());
    // Both ways of asking, as StartReceive does.
    Receive(pairs.back()[1], i, i % 2 == 0 ? 0 : IORING_RECVSEND_POLL_FIRST);
  }
  EXPECT_TRUE(Settle().empty()) << "idle connections must hold no buffer (DESIGN 3.5)";
  ASSERT_EQ(write(pairs[3][0], "abc", 3), 3);
  const Completion seen = WaitForOne();
  EXPECT_EQ(seen.user_data, 3u);
  EXPECT_EQ(seen.result, 3);
  EXPECT_NE(seen.flags & IORING_CQE_F_BUFFER, 0u) << "UringProactor::OnReceive finds the buffer";
  EXPECT_EQ(seen.flags >> IORING_CQE_BUFFER_SHIFT, 0u);
}

TEST_F(UringFactsTest, AReceiveTakesAtMostItsBufferAndSaysThatMoreIsThere) {
  OPEN_OR_SKIP(kDeferred);
  ProvideBuffers(2);
  const auto [near, far] = Connected();
  const std::string bytes(kBufferBytes + 100, 'x');
  ASSERT_EQ(write(near, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  Receive(far, 1, 0);
  const Completion first = WaitForOne();
  EXPECT_EQ(first.result, static_cast<int>(kBufferBytes)) << "Receive's bound, kReceiveBytesMax";
  EXPECT_NE(first.flags & IORING_CQE_F_SOCK_NONEMPTY, 0u)
      << "without it UringProactor polls first for nothing: slow, not wrong";
  EXPECT_EQ(first.flags & IORING_CQE_F_MORE, 0u) << "a one-shot receive has one completion";
  Receive(far, 2, 0);
  const Completion second = WaitForOne();
  EXPECT_EQ(second.result, 100);
  EXPECT_EQ(second.flags & IORING_CQE_F_SOCK_NONEMPTY, 0u);
}

TEST_F(UringFactsTest, OneWaitDeliversOnlySomeOfManyDeferredCompletions) {
  OPEN_OR_SKIP(kDeferred | IORING_SETUP_TASKRUN_FLAG);
  ProvideBuffers(64);
  std::vector<std::array<int, 2>> pairs;
  for (uint64_t i = 0; i < 40; ++i) {
    pairs.push_back(Connected());
    Receive(pairs.back()[1], i, IORING_RECVSEND_POLL_FIRST);
  }
  EXPECT_TRUE(Settle().empty());
  for (const auto& pair : pairs) ASSERT_EQ(write(pair[0], "x", 1), 1);
  io_uring_submit_and_wait(&ring_, 1);
  size_t delivered = Look().size();
  RecordProperty("completions_of_one_wait", static_cast<int>(delivered));
  EXPECT_GE(delivered, 1u);
  // 20 on Linux 6.18; other numbers are as good, because the loop asks until nothing comes.
  for (int look = 0; look < 40 && delivered < 40; ++look) {
    io_uring_cqe* some[64];
    const unsigned count = io_uring_peek_batch_cqe(&ring_, some, 64);
    io_uring_cq_advance(&ring_, count);
    delivered += count;
    if (count == 0) break;
  }
  EXPECT_EQ(delivered, 40u)
      << "UringProactor::Reap looks until a peek brings nothing: what is left "
         "then would wait for the next turn";
}

TEST_F(UringFactsTest, APeekDeliversDeferredCompletionsOnlyUnderTheTaskrunFlag) {
  for (const bool flagged : {false, true}) {
    OPEN_OR_SKIP(kDeferred | (flagged ? IORING_SETUP_TASKRUN_FLAG : 0));
    const int event = Keep(eventfd(0, 0));
    uint64_t value = 0;
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    io_uring_prep_read(entry, event, &value, sizeof(value), 0);
    entry->user_data = 7;
    EXPECT_TRUE(Settle().empty());
    const uint64_t one = 1;
    ASSERT_EQ(write(event, &one, sizeof(one)), ssize_t{sizeof(one)});
    io_uring_cqe* completion = nullptr;
    const unsigned count = io_uring_peek_batch_cqe(&ring_, &completion, 1);
    if (flagged) {
      EXPECT_EQ(count, 1u) << "UringProactor::Reap relies on peek to enter the kernel for deferred "
                              "work: CreateRing always asks for TASKRUN_FLAG";
    } else {
      EXPECT_EQ(count, 0u) << "if peek delivers without the flag, it has become unnecessary";
    }
    io_uring_queue_exit(&ring_);
    open_ = false;
  }
}

TEST_F(UringFactsTest, ACancelledReceiveEndsAndLeavesTheBytes) {
  OPEN_OR_SKIP(kDeferred);
  ProvideBuffers(1);
  const auto [near, far] = Connected();
  Receive(far, 1, IORING_RECVSEND_POLL_FIRST);
  EXPECT_TRUE(Settle().empty());
  Cancel(1, 2);
  const std::vector<Completion> seen = Settle();
  ASSERT_EQ(seen.size(), 2u);
  for (const Completion& completion : seen) {
    EXPECT_EQ(completion.result, completion.user_data == 1 ? -ECANCELED : 0)
        << "UringProactor::CancelReceive";
  }
  ASSERT_EQ(write(near, "kept", 4), 4);
  Receive(far, 3, 0);
  EXPECT_EQ(WaitForOne().result, 4);
}

TEST_F(UringFactsTest, ACancellationMeetsNothingThatWasSubmittedAfterIt) {
  OPEN_OR_SKIP(kDeferred);
  ProvideBuffers(1);
  const auto [near, far] = Connected();
  // The receive that was meant has ended; another one at the same address is begun in the same
  // batch.
  Cancel(1, 2);
  Receive(far, 1, IORING_RECVSEND_POLL_FIRST);
  const std::vector<Completion> seen = Settle();
  ASSERT_EQ(seen.size(), 1u) << "UringProactor's user_data is an address: see its header";
  EXPECT_EQ(seen[0].user_data, 2u);
  EXPECT_EQ(seen[0].result, -ENOENT);
  ASSERT_EQ(write(near, "x", 1), 1);
  EXPECT_EQ(WaitForOne().user_data, 1u);
}

TEST_F(UringFactsTest, CloseEndsNoReceiveAndSendsNoFin) {
  OPEN_OR_SKIP(kDeferred);
  ProvideBuffers(1);
  const auto [near, far] = Connected();
  Receive(far, 1, IORING_RECVSEND_POLL_FIRST);
  EXPECT_TRUE(Settle().empty());
  std::erase(descriptors_, far);
  close(far);
  EXPECT_TRUE(Settle().empty()) << "if close ended it, Proactor::Close's assertion could go";
  char byte = 0;
  EXPECT_EQ(recv(near, &byte, 1, MSG_DONTWAIT), -1) << "no FIN while the ring holds the socket";
  // The way that the proactor goes instead: cancel, and the peer hears of the end.
  Cancel(1, 2);
  EXPECT_EQ(Settle().size(), 2u);
  EXPECT_EQ(recv(near, &byte, 1, 0), 0) << "a cancelled operation keeps the socket open";
}

TEST_F(UringFactsTest, ASendForAllItsBytesHasOneCompletion) {
  OPEN_OR_SKIP(kDeferred);
  const auto [near, far] = Connected();
  const std::string bytes(size_t{8} << 20, 'x');
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  io_uring_prep_send(entry, near, bytes.data(), bytes.size(), MSG_WAITALL | MSG_NOSIGNAL);
  entry->user_data = 1;
  EXPECT_TRUE(Settle().empty()) << "8 MiB fitted into the socket's buffers: enlarge the test";
  std::thread reader([descriptor = far, left = bytes.size()]() mutable {
    std::string into(size_t{1} << 16, '\0');
    while (left > 0) {
      const ssize_t got = read(descriptor, into.data(), into.size());
      if (got <= 0) break;
      left -= static_cast<size_t>(got);
    }
  });
  EXPECT_EQ(WaitForOne().result, static_cast<int>(bytes.size()))
      << "short sends are begun anew (UringProactor::OnSend): slower, not wrong";
  reader.join();
}

TEST_F(UringFactsTest, MultishotAcceptGoesOnUntilItIsCancelled) {
  OPEN_OR_SKIP(kDeferred);
  const int listener = Keep(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  io_uring_prep_multishot_accept(entry, listener, nullptr, nullptr, SOCK_CLOEXEC);
  entry->user_data = 1;
  EXPECT_TRUE(Settle().empty());
  for (int i = 0; i < 3; ++i) {
    const int client = Keep(socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), length), 0);
    const Completion seen = WaitForOne();
    ASSERT_GE(seen.result, 0);
    Keep(seen.result);
    EXPECT_NE(seen.flags & IORING_CQE_F_MORE, 0u) << "UringProactor::OnAccept arms it anew";
  }
  Cancel(1, 2);
  for (const Completion& completion : Settle()) {
    if (completion.user_data != 1) continue;
    EXPECT_EQ(completion.result, -ECANCELED);
    EXPECT_EQ(completion.flags & IORING_CQE_F_MORE, 0u)
        << "UringProactor::OnAccept takes it as the "
           "listener's end";
    return;
  }
  ADD_FAILURE() << "the cancelled accept has no last completion: UringProactor::Wind would hang";
}

TEST_F(UringFactsTest, ADisabledRingTakesNothingUntilItsThreadEnablesIt) {
  OPEN_OR_SKIP(kDeferred | IORING_SETUP_R_DISABLED);
  EXPECT_EQ(io_uring_submit_and_wait(&ring_, 0), 0);
  EXPECT_EQ(io_uring_get_events(&ring_), -EBADFD);
  std::thread owner([this] {
    const auto enable = [this] {
      return syscall(__NR_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr,
                     0);
    };
    EXPECT_EQ(enable(), 0);
    EXPECT_EQ(enable(), -1) << "UringProactor::Run enables it every time";
    EXPECT_EQ(errno, EBADFD);
    EXPECT_EQ(io_uring_get_events(&ring_), 0);
  });
  owner.join();
  EXPECT_EQ(io_uring_get_events(&ring_), -EEXIST) << "the thread that enables is the only issuer";
}

}  // namespace
}  // namespace poplar::io
