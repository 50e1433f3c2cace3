#include "proxy/config/manual_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "proxy/config/config.h"
#include "proxy/config/print.h"
#include "proxy/config/roff.h"

namespace poplar::config {
namespace {

using testing::HasSubstr;

TEST(ManualPage, HasAHeadAndTheVersion) {
  const std::string page = ManualPage("1.2.3");
  EXPECT_TRUE(page.starts_with(".TH poplar.yaml 5 \"\" \"Poplar 1.2.3\" \"Poplar\"\n.SH NAME\n"));
  EXPECT_THAT(page, HasSubstr("\n.BR poplar (1)\n"));
}

TEST(ManualPage, SaysOfASettingWhatItIsWhatItMayBeAndItsDefault) {
  EXPECT_THAT(ManualPage("1"),
              HasSubstr("\n.TP\n.B replicas\nHow many Poplars serve these nodes side by side."));
  EXPECT_THAT(ManualPage("1"), HasSubstr("\n.br\nA whole number from 1 to 1000. Default: 1.\n"));
}

TEST(ManualPage, NamesSettingsByTheirPath) {
  const std::string page = ManualPage("1");
  EXPECT_THAT(page,
              HasSubstr("\n.SS listeners\nWhere mail clients connect.\n.br\nA list. Required.\n"));
  EXPECT_THAT(page, HasSubstr("\n.TP\n.B listeners[].address\n"));
  EXPECT_THAT(page, HasSubstr("\n.TP\n.B listeners[].capabilities.add\n"));
  EXPECT_THAT(page, HasSubstr("\n.TP\n.B clusters[].nodes[].name\n"));
}

TEST(ManualPage, HasTheSettingsOfNoSectionBeforeAllSections) {
  const std::string page = ManualPage("1");
  EXPECT_LT(page.find("\n.B moves_wait\n"), page.find("\n.SS "));
}

// The printed reference has each setting once, as a key; lists that are empty, as a comment.
TEST(ManualPage, HasAsManyEntriesAsThePrintedReferenceHasKeys) {
  const std::string page = ManualPage("1");
  for (const std::string key : {"min_version", "probe", "read_token_file", "slow_start", "bind_dn"})
    EXPECT_NE(page.find(key), std::string::npos) << key;
  size_t entries = 0;
  for (size_t at = 0; (at = page.find("\n.TP\n.B ", at)) != std::string::npos; ++at) ++entries;
  size_t sections = 0;
  for (size_t at = 0; (at = page.find("\n.SS ", at)) != std::string::npos; ++at) ++sections;
  size_t notes = 0;
  const std::string reference = Print(ExampleConfig());
  for (size_t at = 0; (at = reference.find(" Default: ", at)) != std::string::npos; ++at) ++notes;
  EXPECT_GE(entries + sections, notes);
}

}  // namespace
}  // namespace poplar::config
