#include "proxy/account_probe/explain.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace poplar::account_probe {
namespace {

constexpr int kFaults = static_cast<int>(Fault::kSlow) + 1;

TEST(ExplainTest, EachFaultHasWordsAndANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int i = 0; i < kFaults; ++i) {
    const auto fault = static_cast<Fault>(i);
    EXPECT_TRUE(names.insert(Name(fault)).second) << Name(fault);
    EXPECT_EQ(Name(fault).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"),
              std::string_view::npos);
  }
}

// In every step: sentences, of what a terminal line or two take, in ASCII.
TEST(ExplainTest, WordsAreSentences) {
  for (size_t step = 0; step < kStepCount; ++step) {
    for (int i = 0; i < kFaults; ++i) {
      for (const Security security : {Security::kTls, Security::kStls, Security::kPlain}) {
        const Explanation words = Explain(static_cast<Step>(step), static_cast<Fault>(i), security);
        for (const std::string_view text : {words.cause, words.change}) {
          EXPECT_GT(text.size(), 9u);
          EXPECT_LT(text.size(), 220u) << text;
          EXPECT_TRUE(text.ends_with('.')) << text;
          for (const char c : text) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << text;
        }
      }
    }
  }
}

TEST(ExplainTest, SilenceMeansOtherThingsElsewhere) {
  const auto cause = [](Step step, Security security) {
    return Explain(step, Fault::kTimeout, security).cause;
  };
  EXPECT_NE(cause(Step::kGreeting, Security::kPlain), cause(Step::kGreeting, Security::kTls));
  EXPECT_NE(cause(Step::kGreeting, Security::kPlain), cause(Step::kLogin, Security::kPlain));
  EXPECT_NE(cause(Step::kTls, Security::kTls), cause(Step::kStat, Security::kTls));
}

}  // namespace
}  // namespace poplar::account_probe
