#include "bench/generator/message_journal.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace poplar::bench {
namespace {

TEST(MessageJournalTest, HasALineForEachMessage) {
  const std::string path = testing::TempDir() + "/journal";
  const MessageJournal::Time begin{std::chrono::hours(1)};
  {
    const auto journal = MessageJournal::Create(path, begin);
    ASSERT_NE(journal, nullptr);
    journal->Came(begin + std::chrono::milliseconds(1500), std::chrono::microseconds(250'125));
    journal->Lost(begin + std::chrono::seconds(2));
  }
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str(), "1.500 250.125\n2.000 lost\n");
}

TEST(MessageJournalTest, IsNoneWhereNothingCanBeWritten) {
  EXPECT_EQ(MessageJournal::Create("/nonexistent/journal", {}), nullptr);
}

}  // namespace
}  // namespace poplar::bench
