#include "proxy/tls/sealer.h"

#include <gtest/gtest.h>
#include <openssl/mem.h>
#include <sys/resource.h>
#include <unistd.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/unit/proxy/tls/process_memory.h"

namespace poplar::tls {
namespace {

// Gives words out of bytes that only their masked form keeps in memory.
class MaskedRandom final : public io::Random {
 public:
  explicit MaskedRandom(const MaskedBytes& bytes) : bytes_(bytes) {}
  uint64_t Next() override {
    uint64_t word = 0;
    for (size_t i = 0; i < sizeof(word); ++i) {
      word |= uint64_t{bytes_.At(next_++ % bytes_.size())} << (8 * i);
    }
    return word;
  }

 private:
  const MaskedBytes& bytes_;
  size_t next_ = 0;
};

// Of the ciphertext, that is behind the 8 bytes of the number.
std::string_view CiphertextOf(const SealedSecret& sealed) {
  const auto box = sealed.box();
  return {reinterpret_cast<const char*>(box.data()) + 8, box.size() - 8};
}

// So much that what the search itself allocates doesn't write over all of a freed block, and where
// to look in it: near its end, since blocks are handed out again from their beginning.
constexpr size_t kManyBytes = 40'000;
constexpr size_t kLookAt = 30'000;

// Sanitizers make mlock do nothing.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define POPLAR_NO_MLOCK 1
#endif
#endif
#if defined(POPLAR_NO_MLOCK)
constexpr bool kLocks = false;
#else
constexpr bool kLocks = true;
#endif

class SealerTest : public testing::Test {
 protected:
  static std::string Opened(const Sealer& sealer, const SealedSecret& sealed) {
    std::string opened;
    sealer.Open(sealed, [&](std::string_view secret) { opened = secret; });
    return opened;
  }
  // Without leaving the secret anywhere.
  static SealedSecret SealMasked(const Sealer& sealer, const MaskedBytes& secret) {
    std::string revealed = secret.Reveal();
    SealedSecret sealed = sealer.Seal(revealed);
    OPENSSL_cleanse(revealed.data(), revealed.size());
    return sealed;
  }

  const MaskedBytes key_ = MaskedBytes::Pseudorandom(32, 1);
  MaskedRandom random_{key_};
};

TEST_F(SealerTest, GivesBackSecretsOfEverySize) {
  const Sealer sealer(random_);
  for (size_t size = 0; size <= 1024; ++size) {
    std::string secret;
    for (size_t i = 0; i < size; ++i) secret += static_cast<char>(i * 7 + size);
    const SealedSecret sealed = sealer.Seal(secret);
    EXPECT_FALSE(sealed.empty());
    EXPECT_EQ(Opened(sealer, sealed), secret) << size;
    EXPECT_EQ(Opened(sealer, sealed), secret) << "the second time";
  }
}

TEST_F(SealerTest, IsSmall) {
  EXPECT_LE(sizeof(SealedSecret), 2 * sizeof(void*));
  EXPECT_TRUE(SealedSecret().empty());
}

TEST_F(SealerTest, OpensManyInAnyOrder) {
  const Sealer sealer(random_);
  std::vector<SealedSecret> sealed;
  sealed.reserve(100);
  for (int i = 0; i < 100; ++i) sealed.push_back(sealer.Seal("secret " + std::to_string(i)));
  for (int i = 99; i >= 0; --i) EXPECT_EQ(Opened(sealer, sealed[i]), "secret " + std::to_string(i));
}

TEST_F(SealerTest, WorksForManyThreadsAtOnce) {
  const Sealer sealer(random_);
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&sealer, thread] {
      for (int i = 0; i < 1000; ++i) {
        const std::string secret = std::to_string(thread) + " " + std::to_string(i);
        EXPECT_EQ(Opened(sealer, sealer.Seal(secret)), secret);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(SealerTest, AMovedSecretIsOnlyInItsNewPlace) {
  const Sealer sealer(random_);
  SealedSecret first = sealer.Seal("one");
  SealedSecret second(std::move(first));
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is the point
  EXPECT_EQ(Opened(sealer, second), "one");
  SealedSecret third = sealer.Seal("another");
  third = std::move(second);
  EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(Opened(sealer, third), "one");
  SealedSecret& same = third;
  third = std::move(same);
  EXPECT_EQ(Opened(sealer, third), "one");
  third.Clear();
  EXPECT_TRUE(third.empty());
}

TEST_F(SealerTest, NoCoreDumpShowsTheSecret) {
  const Sealer sealer(random_);
  const MaskedBytes secret = MaskedBytes::Pseudorandom(kManyBytes, 2);
  const MaskedBytes part = secret.Part(kLookAt, 32);
  const SealedSecret sealed = SealMasked(sealer, secret);
  EXPECT_EQ(CountInMemory(part, Scope::kAll), 0);
  int while_open = 0;
  sealer.Open(sealed, [&](std::string_view opened) {
    ASSERT_EQ(opened.size(), secret.size());
    for (size_t i = 0; i < opened.size(); ++i)
      EXPECT_EQ(static_cast<uint8_t>(opened[i]), secret.At(i));
    while_open = CountInMemory(part, Scope::kCoreDump);
  });
  EXPECT_EQ(while_open, 1);  // so the search finds what is there
  EXPECT_EQ(CountInMemory(part, Scope::kAll), 0);
}

TEST_F(SealerTest, NoCoreDumpShowsTheKey) {
  std::optional<Sealer> sealer(random_);
  const SealedSecret sealed = sealer->Seal("secret");
  EXPECT_EQ(Opened(*sealer, sealed), "secret");
  // AES's first two round keys are the key itself.
  for (const size_t half : {0, 16}) {
    const MaskedBytes part = key_.Part(half, 16);
    EXPECT_GE(CountInMemory(part, Scope::kAll), 1);
    EXPECT_EQ(CountInMemory(part, Scope::kCoreDump), 0);
  }
  sealer.reset();
  EXPECT_EQ(CountInMemory(key_.Part(0, 16), Scope::kAll), 0);
}

// Bytes of a box that was given up, in a place that was not.
TEST_F(SealerTest, WhatWasSealedIsGoneWithItsHolder) {
  const Sealer one(random_);
  const Sealer same_key(random_);
  const SealedSecret kept = same_key.Seal(std::string(kManyBytes, 'x'));
  // The same key, secret and number make the same box, whose bytes are nowhere else.
  SealedSecret given_up = one.Seal(std::string(kManyBytes, 'x'));
  const MaskedBytes part(CiphertextOf(kept).substr(kLookAt, 32));
  EXPECT_EQ(CountInMemory(part, Scope::kCoreDump), 2);
  given_up.Clear();
  EXPECT_EQ(CountInMemory(part, Scope::kCoreDump), 1);
}

TEST_F(SealerTest, NoTwoSealsAreAlike) {
  const Sealer sealer(random_);
  const std::string secret(96, 'x');
  std::set<std::string> numbers;
  std::set<std::string> beginnings;
  for (int i = 0; i < 1000; ++i) {
    const SealedSecret sealed = sealer.Seal(secret);
    ASSERT_EQ(sealed.box().size(), 8 + secret.size() + 16);
    numbers.emplace(sealed.box().begin(), sealed.box().begin() + 8);
    beginnings.emplace(CiphertextOf(sealed).substr(0, 16));
    EXPECT_EQ(CiphertextOf(sealed).find("xxxx"), std::string_view::npos);
  }
  EXPECT_EQ(numbers.size(), 1000U);
  EXPECT_EQ(beginnings.size(), 1000U);
}

TEST_F(SealerTest, ItsKeyLiesInAPageOfItsOwn) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const std::vector<std::string> flags = {"dd", "wf"};
  const size_t before = MemoryWithFlags(flags);
  const size_t locked_before = MemoryWithFlags({"dd", "wf", "lo"});
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
  {
    const Sealer sealer(random_);
    EXPECT_EQ(MemoryWithFlags(flags), before + page);
    if (kLocks && limit.rlim_cur >= 16 * page) {
      EXPECT_EQ(MemoryWithFlags({"dd", "wf", "lo"}), locked_before + page);
    }
  }
  EXPECT_EQ(MemoryWithFlags(flags), before);
}

using SealerDeathTest = SealerTest;

TEST_F(SealerDeathTest, AChildProcessHasNoKey) {
  GTEST_FLAG_SET(death_test_style, "fast");  // forks with the page in place
  const Sealer sealer(random_);
  const SealedSecret sealed = sealer.Seal("secret");
  EXPECT_DEATH(sealer.Seal("secret"), "has_key");
  EXPECT_DEATH(Opened(sealer, sealed), "has_key");
}

// Opened by another key, it is as good as tampered with.
TEST_F(SealerDeathTest, OpensOnlyWhatItSealed) {
  const auto open = [&](bool own) {
    const Sealer one(random_);
    const MaskedBytes other_key = MaskedBytes::Pseudorandom(32, 3);
    MaskedRandom other_random(other_key);
    const Sealer other(other_random);
    const SealedSecret sealed = one.Seal("secret");
    const std::string opened = Opened(own ? one : other, sealed);
    _exit(opened == "secret" ? 0 : 1);
  };
  EXPECT_EXIT(open(true), testing::ExitedWithCode(0), "");
  EXPECT_DEATH(open(false), "");
}

TEST_F(SealerDeathTest, NoticesAChangedBitInEachPartOfTheBox) {
  const auto open = [&](size_t byte) {
    const Sealer sealer(random_);
    const SealedSecret sealed = sealer.Seal("secret");
    const_cast<uint8_t&>(sealed.box()[byte]) ^= 1;  // on the heap, and not const there
    Opened(sealer, sealed);
    _exit(0);
  };
  for (const size_t byte : {0, 7, 8, 13, 14, 29}) EXPECT_DEATH(open(byte), "") << byte;
}

}  // namespace
}  // namespace poplar::tls
