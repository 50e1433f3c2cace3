#include "proxy/pop3/maildrop_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "proxy/pop3/limits.h"
#include "tests/unit/proxy/pop3/freed_memory_watch.h"
#include "tests/unit/proxy/pop3/naive_maildrop.h"

namespace poplar::pop3 {
namespace {

using Fit = MaildropView::Fit;
using naive::Ids;
using naive::Told;
using Numbers = std::vector<uint32_t>;

MaildropView ViewOf(const Told& told) {
  MaildropView view;
  if (told.count) view.LearnCount(*told.count);
  if (told.whole || !told.listed.empty()) view.Learn(told.listed, told.whole);
  return view;
}

MaildropView Known(const Ids& ids) { return ViewOf({.listed = ids, .whole = true}); }

// Of messages 1 .. size.
Numbers AtNode(const MaildropView& view, uint32_t size) {
  Numbers numbers(size);
  for (uint32_t own = 1; own <= size; ++own) numbers[own - 1] = view.AtNode(own);
  return numbers;
}

Numbers OwnOf(const MaildropView& view, uint32_t size) {
  Numbers numbers(size);
  for (uint32_t n = 1; n <= size; ++n) numbers[n - 1] = view.OwnOf(n);
  return numbers;
}

TEST(MaildropViewTest, FitsAKnownListing) {
  const struct {
    Ids client;
    Ids fresh;
    Fit fit;
    Numbers at_node;
    Numbers own;
  } cases[] = {
      {{}, {}, Fit::kSame, {}, {}},
      {{1, 2, 3}, {1, 2, 3}, Fit::kSame, {1, 2, 3}, {1, 2, 3}},
      {{}, {1}, Fit::kMapped, {}, {0}},
      {{1, 2}, {1, 2, 3, 4}, Fit::kMapped, {1, 2}, {1, 2, 0, 0}},
      {{1, 2, 3}, {1, 3}, Fit::kMapped, {1, 0, 2}, {1, 3}},
      {{1, 2, 3}, {3, 4, 1}, Fit::kMapped, {3, 0, 1}, {3, 0, 1}},
      {{1, 2, 3}, {9, 1, 2, 3}, Fit::kMapped, {2, 3, 4}, {0, 1, 2, 3}},
      {{1, 2}, {2, 1}, Fit::kMapped, {2, 1}, {2, 1}},
      {{1, 2}, {}, Fit::kMapped, {0, 0}, {}},
      {{1, 2}, {3, 4}, Fit::kMapped, {0, 0}, {0, 0}},
      // Hashes whose low bits are all alike.
      {{0x100000000, 0x200000000}, {0, 0x200000000}, Fit::kMapped, {0, 2}, {0, 2}},
      {{0}, {0, 1}, Fit::kMapped, {1}, {1, 0}},
      // Ids that aren't unique are taken only where nothing needs to be told apart.
      {{1, 1}, {1, 1}, Fit::kSame, {1, 2}, {1, 2}},
      {{1, 1}, {1}, Fit::kDifferent, {1, 2}, {1}},
      {{1}, {1, 1}, Fit::kDifferent, {1}, {1, 0}},
      {{1, 1}, {2}, Fit::kDifferent, {1, 2}, {1}},
      {{1}, {1, 2, 2}, Fit::kDifferent, {1}, {1, 0, 0}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.client) + " " + testing::PrintToString(c.fresh));
    MaildropView view = Known(c.client);
    EXPECT_TRUE(view.known());
    EXPECT_EQ(view.Refit(c.fresh), c.fit);
    EXPECT_EQ(view.mapped(), c.fit == Fit::kMapped);
    EXPECT_EQ(AtNode(view, static_cast<uint32_t>(c.client.size())), c.at_node);
    EXPECT_EQ(OwnOf(view, static_cast<uint32_t>(c.fresh.size())), c.own);
    EXPECT_EQ(view.vanished(), std::count(c.at_node.begin(), c.at_node.end(), 0u));
    EXPECT_EQ(view.size(), c.client.size());
    const auto next = static_cast<uint32_t>(c.client.size() + 1);
    for (uint32_t beyond : {uint32_t{0}, next, uint32_t{kViewMessagesMax}, UINT32_MAX}) {
      EXPECT_EQ(view.AtNode(beyond), 0u);
    }
    EXPECT_EQ(view.OwnOf(0), 0u);
    EXPECT_EQ(view.OwnOf(UINT32_MAX), 0u);
  }
}

TEST(MaildropViewTest, TakesWhatIsNotKnownFromTheFreshListing) {
  const struct {
    Told told;
    Ids fresh;
    Fit fit;
    Numbers at_node;
    uint32_t size;
  } cases[] = {
      {{}, {1, 2}, Fit::kSame, {1, 2}, 2},
      {{}, {1, 1}, Fit::kSame, {1, 2}, 2},
      {{.count = 2}, {1, 2}, Fit::kSame, {1, 2}, 2},
      {{.count = 2}, {1, 1}, Fit::kSame, {1, 2}, 2},
      {{.count = 2}, {1, 2, 3}, Fit::kMapped, {1, 2, 0}, 2},
      {{.count = 0}, {1}, Fit::kMapped, {0}, 0},
      {{.count = 0}, {}, Fit::kSame, {}, 0},
      {{.count = 4}, {1, 2}, Fit::kMapped, {1, 2, 0, 0}, 4},
      {{.count = UINT32_MAX}, {1}, Fit::kMapped, {1, 0}, UINT32_MAX},
      {{.count = 2}, {1, 2, 2}, Fit::kDifferent, {}, 0},
      {{.count = 3}, {1, 1}, Fit::kDifferent, {}, 0},
      {{.listed = {1, 2}}, {1, 2}, Fit::kSame, {1, 2}, 2},
      {{.listed = {1, 2}}, {1, 2, 3}, Fit::kSame, {1, 2, 3}, 3},
      {{.listed = {1, 2}, .count = 3}, {1, 2, 3, 4}, Fit::kMapped, {1, 2, 3, 0}, 3},
      {{.listed = {1, 2}, .count = 4}, {1, 2, 3}, Fit::kMapped, {1, 2, 3, 0}, 4},
      {{.listed = {1, 2}, .count = 1}, {1, 2, 3}, Fit::kMapped, {1, 2, 0}, 2},
      {{.listed = {1, 2}}, {1}, Fit::kDifferent, {}, 0},
      {{.listed = {1, 2}}, {2, 1}, Fit::kDifferent, {}, 0},
      {{.listed = {1, 2}}, {1, 3, 2}, Fit::kDifferent, {}, 0},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.told.listed) + " " + testing::PrintToString(c.fresh));
    MaildropView view = ViewOf(c.told);
    EXPECT_FALSE(view.known());
    EXPECT_EQ(view.size(), 0u);
    EXPECT_EQ(view.Refit(c.fresh), c.fit);
    EXPECT_EQ(view.mapped(), c.fit == Fit::kMapped);
    EXPECT_EQ(view.known(), c.fit != Fit::kDifferent);
    EXPECT_EQ(view.size(), c.size);
    if (c.fit == Fit::kDifferent) continue;
    EXPECT_EQ(AtNode(view, static_cast<uint32_t>(c.at_node.size())), c.at_node);
    for (uint32_t own = 1; own <= c.at_node.size(); ++own) {
      if (const uint32_t at_node = view.AtNode(own)) {
        EXPECT_EQ(view.OwnOf(at_node), own);
      }
    }
  }
}

TEST(MaildropViewTest, BeforeAnythingIsKnownNumbersAreTheNodes) {
  MaildropView view;
  EXPECT_TRUE(view.empty());
  EXPECT_EQ(view.AtNode(7), 7u);
  EXPECT_EQ(view.OwnOf(7), 7u);
  EXPECT_EQ(view.AtNode(0), 0u);
  view.Mark(7);
  EXPECT_EQ(view.MarksAtNode(), Numbers{7});
}

TEST(MaildropViewTest, TellsWhetherTheClientWasToldAnything) {
  EXPECT_TRUE(MaildropView().empty());
  EXPECT_FALSE(Known({}).empty());
  EXPECT_FALSE(Known({1}).empty());
  EXPECT_FALSE(ViewOf({.listed = {1}}).empty());
  EXPECT_FALSE(ViewOf({.count = 0}).empty());
  MaildropView nothing_listed;
  nothing_listed.Learn({}, false);
  EXPECT_TRUE(nothing_listed.empty());
  MaildropView marked;
  marked.Mark(1);
  EXPECT_FALSE(marked.empty());
  MaildropView refitted;
  EXPECT_EQ(refitted.Refit({}), Fit::kSame);
  EXPECT_FALSE(refitted.empty());
}

TEST(MaildropViewTest, EveryRefitIsAgainstTheClientsFirstView) {
  MaildropView view = Known({1, 2, 3});
  view.Mark(2);
  EXPECT_EQ(view.Refit({3, 4}), Fit::kMapped);
  EXPECT_EQ(view.vanished(), 2u);
  EXPECT_EQ(view.MarksAtNode(), Numbers{});
  // A replica that lags behind may show again what another one had lost.
  EXPECT_EQ(view.Refit({4, 2, 1, 3}), Fit::kMapped);
  EXPECT_EQ(AtNode(view, 3), (Numbers{3, 2, 4}));
  EXPECT_EQ(view.MarksAtNode(), Numbers{2});
  EXPECT_EQ(view.Refit({4, 4}), Fit::kDifferent);
  EXPECT_TRUE(view.mapped());
  EXPECT_EQ(AtNode(view, 3), (Numbers{3, 2, 4}));
  EXPECT_EQ(view.Refit({1, 2, 3}), Fit::kSame);
  EXPECT_FALSE(view.mapped());
  EXPECT_EQ(view.vanished(), 0u);
  EXPECT_EQ(AtNode(view, 3), (Numbers{1, 2, 3}));
  EXPECT_TRUE(view.marked(2));
}

TEST(MaildropViewTest, WhatWasTakenFromTheFirstFreshListingStays) {
  MaildropView view = ViewOf({.count = 2});
  EXPECT_EQ(view.Refit({1, 2, 3}), Fit::kMapped);
  EXPECT_EQ(view.Refit({1, 2}), Fit::kSame);
  EXPECT_EQ(view.Refit({2, 3}), Fit::kMapped);
  EXPECT_EQ(AtNode(view, 3), (Numbers{0, 1, 0}));

  // The third message is known to have been, never to be found.
  MaildropView missing = ViewOf({.count = 3});
  EXPECT_EQ(missing.Refit({1, 2}), Fit::kMapped);
  EXPECT_EQ(missing.Refit({1, 2}), Fit::kMapped);
  EXPECT_EQ(missing.Refit({1, 2, 3}), Fit::kMapped);
  EXPECT_EQ(AtNode(missing, 3), (Numbers{1, 2, 0}));
  EXPECT_EQ(missing.vanished(), 1u);
  EXPECT_EQ(missing.OwnOf(3), 0u);
}

TEST(MaildropViewTest, MarksAreKeptAndTranslated) {
  MaildropView view = Known({1, 2, 3, 4});
  for (uint32_t own : {4, 1, 3, 1}) view.Mark(own);
  EXPECT_EQ(view.marks(), 3u);
  EXPECT_EQ(view.MarksAtNode(), (Numbers{1, 3, 4}));
  EXPECT_EQ(view.Refit({4, 5, 3, 2}), Fit::kMapped);
  EXPECT_EQ(view.MarksAtNode(), (Numbers{1, 3}));
  EXPECT_EQ(view.marks(), 3u);
  EXPECT_TRUE(view.marked(1));
  EXPECT_FALSE(view.marked(2));
  EXPECT_FALSE(view.marked(0));
  EXPECT_FALSE(view.marked(1000));
  EXPECT_FALSE(view.marked(UINT32_MAX));
  view.UnmarkAll();
  EXPECT_EQ(view.marks(), 0u);
  EXPECT_FALSE(view.marked(1));
  EXPECT_EQ(view.MarksAtNode(), Numbers{});
}

// Guessing might delete a message that the client has never seen.
TEST(MaildropViewTest, AMarkOnAnUnknownMessageFitsNowhere) {
  MaildropView nothing_known;
  nothing_known.Mark(1);
  EXPECT_EQ(nothing_known.Refit({1, 2}), Fit::kDifferent);
  EXPECT_FALSE(nothing_known.known());
  nothing_known.UnmarkAll();
  EXPECT_EQ(nothing_known.Refit({1, 2}), Fit::kSame);

  MaildropView listed_in_part = ViewOf({.listed = {1, 2}});
  listed_in_part.Mark(2);
  EXPECT_EQ(listed_in_part.Refit({1, 2, 3}), Fit::kSame);
  MaildropView beyond_the_part = ViewOf({.listed = {1, 2}});
  beyond_the_part.Mark(3);
  EXPECT_EQ(beyond_the_part.Refit({1, 2, 3}), Fit::kDifferent);

  for (uint32_t unlikely : {uint32_t{0}, uint32_t{4}, uint32_t{kViewMessagesMax + 1}, UINT32_MAX}) {
    MaildropView view = Known({1, 2, 3});
    view.Mark(unlikely);
    EXPECT_EQ(view.marks(), 1u);
    EXPECT_EQ(view.Refit({1, 2, 3}), Fit::kDifferent) << unlikely;
    view.UnmarkAll();
    EXPECT_EQ(view.Refit({1, 2, 3}), Fit::kSame) << unlikely;
  }
}

// DELE 3, then UIDL: the listing ends with 2, and the view does not.
TEST(MaildropViewTest, AListingThatLacksMarkedMessagesIsNotTheWholeView) {
  MaildropView view;
  view.Mark(3);
  view.LearnCount(2);
  view.Learn({1, 2}, true);
  EXPECT_FALSE(view.known());
  EXPECT_EQ(view.Refit({1, 2, 3}), Fit::kDifferent);
  view.UnmarkAll();
  EXPECT_EQ(view.Refit({1, 2, 3}), Fit::kSame);
}

TEST(MaildropViewTest, OnlyTheFirstCountAndTheFirstWholeListingCount) {
  MaildropView view;
  view.LearnCount(2);
  view.LearnCount(3);
  EXPECT_EQ(view.Refit({1, 2, 3}), Fit::kMapped);
  EXPECT_EQ(view.size(), 2u);
  view.Learn({7, 8, 9}, true);
  EXPECT_EQ(view.Refit({1, 2}), Fit::kSame);
}

TEST(MaildropViewTest, AnUnchangedListingCostsNoMemory) {
  POPLAR_NEEDS_FREED_MEMORY_WATCH();
  Ids ids(1000);
  std::iota(ids.begin(), ids.end(), 1u);
  MaildropView view = Known(ids);
  const FreedMemoryWatch watch("x");
  EXPECT_EQ(view.Refit(ids), Fit::kSame);
  EXPECT_EQ(watch.blocks_freed(), 0u);
  EXPECT_EQ(view.Refit({1}), Fit::kMapped);
  EXPECT_GT(watch.blocks_freed(), 0u) << "the watch sees nothing";
}

TEST(MaildropViewTest, MessagesAreBounded) {
  Ids ids(kViewMessagesMax);
  std::iota(ids.begin(), ids.end(), 1u);
  MaildropView view = Known(ids);
  for (uint32_t own = 1; own <= kViewMessagesMax; ++own) view.Mark(own);
  EXPECT_EQ(view.marks(), kViewMessagesMax);
  Ids reversed(ids.rbegin(), ids.rend());
  EXPECT_EQ(view.Refit(reversed), Fit::kMapped);
  EXPECT_EQ(view.AtNode(1), kViewMessagesMax);
  EXPECT_EQ(view.OwnOf(1), kViewMessagesMax);
  EXPECT_EQ(view.MarksAtNode().size(), kViewMessagesMax);
  ids.push_back(0);
  EXPECT_EQ(view.Refit(ids), Fit::kDifferent);
  EXPECT_EQ(MaildropView().Refit(ids), Fit::kDifferent);
}

// --- random ones, against the naive model

template <typename Random>
Ids RandomFresh(const Ids& before, Random& random) {
  Ids fresh;
  const unsigned lost = random() % 3;  // in 6
  for (uint64_t id : before) {
    if (random() % 6 >= lost) fresh.push_back(id);
  }
  for (uint64_t i = random() % 3; i > 0; --i) fresh.push_back(100 + random() % 20);
  if (random() % 3 == 0) std::shuffle(fresh.begin(), fresh.end(), random);
  return fresh;
}

void ExpectAs(const naive::Maildrop& expected, const MaildropView& view) {
  EXPECT_EQ(view.mapped(), expected.fit == Fit::kMapped);
  EXPECT_EQ(view.size(), expected.ids.size());
  EXPECT_EQ(view.vanished(), expected.Vanished());
  EXPECT_EQ(view.MarksAtNode(), expected.MarksAtNode());
  EXPECT_EQ(view.marks(), expected.marks.size());
  const size_t most = std::max(expected.ids.size(), expected.fresh.size()) + 2;
  for (uint32_t n = 0; n < most; ++n) {
    EXPECT_EQ(view.AtNode(n), expected.AtNode(n)) << n;
    EXPECT_EQ(view.OwnOf(n), expected.OwnOf(n)) << n;
    EXPECT_EQ(view.marked(n), expected.marks.contains(n)) << n;
  }
}

// A session that loses its node several times.
template <typename Random>
void RunSession(Random& random) {
  Ids maildrop(random() % 12);
  const uint64_t variety = random() % 4 == 0 ? 8 : 1'000'000;  // few ids: some are there twice
  for (uint64_t& id : maildrop) id = random() % variety;
  Told told;
  told.whole = random() % 2 == 0;
  if (told.whole || random() % 2 == 0) told.listed = maildrop;
  if (!told.whole) told.listed.resize(random() % (told.listed.size() + 1));
  if (random() % 2 == 0) told.count = static_cast<uint32_t>(maildrop.size());

  MaildropView view = ViewOf(told);
  std::set<uint32_t> marks;
  const size_t markable = random() % 10 == 0 ? maildrop.size() : told.listed.size();
  for (uint32_t own = 1; own <= markable; ++own) {
    if (random() % 3 != 0) continue;
    marks.insert(own);
    view.Mark(own);
  }
  for (int losses = 0; losses < 4; ++losses) {
    const Ids fresh = random() % 3 == 0 ? maildrop : RandomFresh(maildrop, random);
    const naive::Maildrop expected = naive::Refit(told, marks, fresh);
    ASSERT_EQ(view.Refit(fresh), expected.fit);
    if (expected.fit == Fit::kDifferent) continue;
    ExpectAs(expected, view);
    if (told.whole) continue;
    // From here on the view is what it was taken for; more marks may come.
    if (expected.ids.size() > fresh.size()) return;
    told = {.whole = true};
    for (const auto& id : expected.ids) told.listed.push_back(*id);
  }
}

TEST(MaildropViewTest, AgreesWithTheNaiveModelOnRandomSessions) {
  std::mt19937 random(20240611);
  for (int round = 0; round < 30'000; ++round) {
    SCOPED_TRACE(round);
    RunSession(random);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace poplar::pop3
