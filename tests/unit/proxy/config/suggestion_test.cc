#include "proxy/config/suggestion.h"

#include <gtest/gtest.h>

#include <string>

namespace poplar::config {
namespace {

constexpr std::string_view kWords[] = {"name", "address", "weight", "tls", "ca_file", "host_name"};

TEST(NearestWord, FindsTheIntendedWord) {
  const std::pair<const char*, const char*> kCases[] = {
      {"wieght", "weight"},   // transposition
      {"weigh", "weight"},    // deletion
      {"weightt", "weight"},  // insertion
      {"weigth", "weight"},   // transposition at the end
      {"adress", "address"}, {"hostname", "host_name"}, {"names", "name"},
      {"tsl", "tls"},        {"ca-file", "ca_file"},  // substitution
      {"weight", "weight"},
  };
  for (const auto& [written, meant] : kCases)
    EXPECT_EQ(NearestWord(written, kWords), meant) << written;
}

TEST(NearestWord, StaysSilentWhenNothingIsNear) {
  for (const char* word : {"", "x", "zzz", "certificate", "port", "weightiness"}) {
    EXPECT_EQ(NearestWord(word, kWords), "") << word;
  }
  EXPECT_EQ(NearestWord("weight", {}), "");
  EXPECT_EQ(NearestWord(std::string(1 << 20, 'n'), kWords), "");
}

TEST(NearestWord, PrefersTheNearer) {
  constexpr std::string_view kNear[] = {"stdout", "stderr"};
  EXPECT_EQ(NearestWord("stder", kNear), "stderr");
  EXPECT_EQ(NearestWord("sdtout", kNear), "stdout");
}

}  // namespace
}  // namespace poplar::config
