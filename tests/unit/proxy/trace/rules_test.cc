#include "proxy/trace/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/proxy/trace/recording_sink.h"

namespace poplar::trace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

io::Address At(std::string_view host) { return *io::Address::Parse(host, 1234); }

TEST(RulesTest, FindsEachKindByWhatItIsOf) {
  const auto user = std::make_shared<RecordingSink>();
  const auto client = std::make_shared<RecordingSink>();
  const auto node = std::make_shared<RecordingSink>();
  const Rules rules({{.kind = Rule::Kind::kUser, .name = "alice", .sink = user},
                     {.kind = Rule::Kind::kClient,
                      .name = {},
                      .client = *io::Network::Parse("192.0.2.0/24"),
                      .sink = client},
                     {.kind = Rule::Kind::kNode, .name = "mail/n1", .sink = node}});
  EXPECT_FALSE(rules.empty());
  EXPECT_THAT(rules.OfUser("alice"), ElementsAre(user));
  EXPECT_THAT(rules.OfUser("mail/n1"), IsEmpty());
  EXPECT_THAT(rules.OfClient(At("192.0.2.77")), ElementsAre(client));
  EXPECT_THAT(rules.OfClient(At("::ffff:192.0.2.77")), ElementsAre(client));
  EXPECT_THAT(rules.OfClient(At("192.0.3.1")), IsEmpty());
  EXPECT_THAT(rules.OfNode("mail/n1"), ElementsAre(node));
  EXPECT_THAT(rules.OfNode("alice"), IsEmpty());
  EXPECT_TRUE(Rules().empty());
}

TEST(RulesTest, ManyMayBeOfTheSame) {
  const auto one = std::make_shared<RecordingSink>();
  const auto other = std::make_shared<RecordingSink>();
  const Rules rules({{.name = "alice", .sink = one}, {.name = "alice", .sink = other}});
  EXPECT_THAT(rules.OfUser("alice"), ElementsAre(one, other));
}

}  // namespace
}  // namespace poplar::trace
