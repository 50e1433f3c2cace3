#include "proxy/admission/associative_table.h"

#include <gtest/gtest.h>

namespace poplar::admission {
namespace {

struct Entry {
  uint64_t tag;
  uint64_t value;
};
using Table = AssociativeTable<Entry>;

constexpr size_t kEntries = 1024;

uint64_t Worth(const Entry& entry) { return entry.value; }

// 0: not there.
uint64_t ValueOf(Table& table, uint64_t tag) {
  uint64_t value = 0;
  table.Find(tag, [&](const Entry& entry) { value = entry.value; });
  return value;
}

void Set(Table& table, uint64_t tag, uint64_t value) {
  table.Put(tag, Worth, [&](Entry& entry) { entry.value = value; });
}

// The index-th of the tags that all have the same place.
uint64_t Rival(uint64_t index) { return index + 1; }

TEST(AssociativeTable, KeepsWhatItWasGiven) {
  Table table(kEntries);
  EXPECT_EQ(ValueOf(table, 1), 0u);
  for (uint64_t i = 1; i <= 64; ++i) Set(table, i << 8, i);
  for (uint64_t i = 1; i <= 64; ++i) EXPECT_EQ(ValueOf(table, i << 8), i);
  Set(table, 1 << 8, 7);
  EXPECT_EQ(ValueOf(table, 1 << 8), 7u);
}

TEST(AssociativeTable, LetsTheLeastWorthGiveWay) {
  Table table(kEntries);
  for (uint64_t i = 0; i < Table::kWays; ++i) Set(table, Rival(i), 100 + i);
  Set(table, Rival(3), 1);
  Set(table, Rival(8), 50);
  EXPECT_EQ(ValueOf(table, Rival(3)), 0u);
  EXPECT_EQ(ValueOf(table, Rival(8)), 50u);
  Set(table, Rival(9), 60);  // now it is the newest that is worth least
  EXPECT_EQ(ValueOf(table, Rival(8)), 0u);
  for (const uint64_t i : {0, 1, 2, 4, 5, 6, 7}) EXPECT_EQ(ValueOf(table, Rival(i)), 100 + i);
}

TEST(AssociativeTable, TakesAFreePlaceBeforeAWorthlessOne) {
  Table table(kEntries);
  Set(table, Rival(0), 0);
  bool there = false;
  Set(table, Rival(1), 5);
  table.Find(Rival(0), [&](const Entry&) { there = true; });
  EXPECT_TRUE(there);
}

TEST(AssociativeTable, NewEntriesRememberNothingOfTheOldOnes) {
  Table table(kEntries);
  for (uint64_t i = 0; i <= Table::kWays; ++i) {
    uint64_t found = 99;
    table.Put(Rival(i), Worth, [&](Entry& entry) {
      found = entry.value;
      entry.value = 5;
    });
    EXPECT_EQ(found, 0u);
  }
}

TEST(AssociativeTable, ForgetsInsteadOfGrowing) {
  Table table(kEntries);
  constexpr uint64_t kMany = 100'000;
  for (uint64_t i = 1; i <= kMany; ++i) Set(table, i * 0x9e3779b97f4a7c15, i);
  size_t kept = 0;
  for (uint64_t i = 1; i <= kMany; ++i) kept += ValueOf(table, i * 0x9e3779b97f4a7c15) != 0;
  EXPECT_EQ(kept, kEntries);
}

}  // namespace
}  // namespace poplar::admission
