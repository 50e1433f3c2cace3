#include "proxy/cli/secret_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <ostream>
#include <streambuf>
#include <string>

namespace poplar::cli {
namespace {

using testing::HasSubstr;

class SecretInputTest : public testing::Test {
 protected:
  ~SecretInputTest() override { std::remove(path_.c_str()); }
  // The secret, or the error.
  std::string Read(const std::string& content) {
    std::ofstream(path_) << content;
    const auto secret = ReadSecretFile(path_);
    return secret ? std::string(secret->Expose()) : secret.error();
  }
  const std::string path_ = testing::TempDir() + "secret_input_" + std::to_string(getpid());
};

TEST_F(SecretInputTest, IsTheFirstLine) {
  EXPECT_EQ(Read("secret"), "secret");
  EXPECT_EQ(Read("secret\n"), "secret");
  EXPECT_EQ(Read("secret\r\nmore\n"), "secret");
  EXPECT_EQ(Read(" with blanks \n"), " with blanks ");
  EXPECT_EQ(Read("p\xc3\xa4sswort\n"), "p\xc3\xa4sswort");
  EXPECT_EQ(Read(std::string(kSecretBytesMax, 'x') + "\r\n"), std::string(kSecretBytesMax, 'x'));
}

TEST_F(SecretInputTest, SaysWhatIsWrong) {
  EXPECT_THAT(Read(""), HasSubstr(path_ + " has nothing in its first line"));
  EXPECT_THAT(Read("\nsecret\n"), HasSubstr("nothing in its first line"));
  EXPECT_THAT(Read("a\tb\n"), HasSubstr("control character"));
  EXPECT_THAT(Read("secret\r"), HasSubstr("control character"));
  EXPECT_THAT(Read(std::string(kSecretBytesMax + 1, 'x') + "\n"), HasSubstr("more than"));
  EXPECT_THAT(Read(std::string(1'000'000, 'x')), HasSubstr("more than"));
  const auto none = ReadSecretFile("/nowhere/password");
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error(), "/nowhere/password cannot be read: No such file or directory");
}

// However it comes: a pipe brings it in pieces, and stays open behind it.
TEST_F(SecretInputTest, ReadsAPipeUpToTheLinesEnd) {
  int ends[2] = {};
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "sec", 3), 3);
  ASSERT_EQ(write(ends[1], "ret\n", 4), 4);
  const auto secret = ReadSecretLine(ends[0], "standard input");
  ASSERT_TRUE(secret.has_value()) << secret.error();
  EXPECT_EQ(secret->Expose(), "secret");
  close(ends[1]);
  const auto end = ReadSecretLine(ends[0], "standard input");
  ASSERT_FALSE(end.has_value());
  EXPECT_THAT(end.error(), HasSubstr("standard input has nothing"));
  close(ends[0]);
}

// Where a question is written, and an interrupt comes at the same moment.
class Interrupted : public std::streambuf {
  int overflow(int c) override {
    if (c == '?') raise(SIGINT);
    return c;
  }
};

TEST(SecretInputDeathTest, AnInterruptBeforeTheWaitIsNotMissed) {
  int terminal = -1;
  int user = -1;
  ASSERT_EQ(openpty(&user, &terminal, nullptr, nullptr, nullptr), 0);
  const auto ask = [&] {
    alarm(20);  // ends one that waits for ever, by another signal
    Interrupted buffer;
    std::ostream err(&buffer);
    static_cast<void>(AskForSecret(terminal, "Password?", err));
    std::exit(0);
  };
  EXPECT_EXIT(ask(), testing::KilledBySignal(SIGINT), "");
  close(user);
  close(terminal);
}

}  // namespace
}  // namespace poplar::cli
