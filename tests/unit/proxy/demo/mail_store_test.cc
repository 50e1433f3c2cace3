#include "proxy/demo/mail_store.h"

#include <gtest/gtest.h>

#include <set>

namespace poplar::demo {
namespace {

using LoginResult = MailStore::LoginResult;

class MailStoreTest : public testing::Test {
 protected:
  MailStoreTest() {
    store_.AddUser("Ann@Example.com", "secret");
    for (const char* text : {"one", "two two", "three"}) store_.AddMessage("ann@example.com", text);
  }
  std::unique_ptr<Maildrop> Open(bool exclusive = false) {
    return store_.Open("ann@example.com", "secret", exclusive).maildrop;
  }
  std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    for (const Message& message : *store_.Messages("ann@example.com"))
      texts.push_back(*message.text);
    return texts;
  }

  MailStore store_;
};

TEST_F(MailStoreTest, KnowsUsersWithoutRegardToCase) {
  EXPECT_EQ(store_.Open("ANN@EXAMPLE.COM", "secret", false).result, LoginResult::kAccepted);
  EXPECT_EQ(store_.Open("ann@example.com", "Secret", false).result, LoginResult::kRefused);
  EXPECT_EQ(store_.Open("ann@example.com", "", false).result, LoginResult::kRefused);
  EXPECT_EQ(store_.Open("ann", "secret", false).result, LoginResult::kRefused);
  EXPECT_EQ(store_.Open("", "", false).result, LoginResult::kRefused);
  EXPECT_FALSE(store_.AddMessage("nobody@example.com", "text"));
  EXPECT_TRUE(store_.Messages("nobody@example.com")->empty());
}

TEST_F(MailStoreTest, KeepsTheMailWhenThePasswordChanges) {
  store_.AddUser("ann@example.com", "new");
  EXPECT_EQ(store_.Open("ann@example.com", "secret", false).result, LoginResult::kRefused);
  EXPECT_EQ(store_.Open("ann@example.com", "new", false).maildrop->count(), 3u);
}

TEST_F(MailStoreTest, GivesASnapshot) {
  const auto before = Open();
  store_.AddMessage("ann@example.com", "four");
  EXPECT_EQ(before->last(), 3u);
  EXPECT_EQ(before->bytes(), 5u + 9u + 7u);
  EXPECT_EQ(Open()->last(), 4u);
}

TEST_F(MailStoreTest, MarksAndUnmarks) {
  const auto drop = Open();
  EXPECT_TRUE(drop->Delete(2));
  EXPECT_FALSE(drop->Delete(2));
  EXPECT_FALSE(drop->Delete(0));
  EXPECT_FALSE(drop->Delete(4));
  EXPECT_FALSE(drop->Delete(UINT64_MAX));
  EXPECT_EQ(drop->Find(2), nullptr);
  EXPECT_EQ(*drop->Find(3)->text, "three\r\n");
  EXPECT_EQ(drop->count(), 2u);
  EXPECT_EQ(drop->bytes(), 12u);
  EXPECT_EQ(drop->last(), 3u);
  drop->Reset();
  EXPECT_EQ(drop->count(), 3u);
  EXPECT_EQ(drop->bytes(), 21u);
  EXPECT_EQ(drop->Commit(), 0u);
  EXPECT_EQ(Texts().size(), 3u);
}

TEST_F(MailStoreTest, DeletesOnlyOnCommit) {
  Open()->Delete(1);
  EXPECT_EQ(Texts().size(), 3u);
  const auto drop = Open();
  drop->Delete(1);
  drop->Delete(3);
  EXPECT_EQ(drop->Commit(), 2u);
  EXPECT_EQ(drop->Commit(), 0u);
  EXPECT_EQ(Texts(), (std::vector<std::string>{"two two\r\n"}));
}

TEST_F(MailStoreTest, CommitsOfTwoSessionsAddUp) {
  const auto first = Open();
  const auto second = Open();
  first->Delete(1);
  second->Delete(1);
  second->Delete(2);
  store_.AddMessage("ann@example.com", "four");
  EXPECT_EQ(first->Commit(), 1u);
  EXPECT_EQ(second->Commit(), 2u);
  EXPECT_EQ(Texts(), (std::vector<std::string>{"three\r\n", "four\r\n"}));
}

TEST_F(MailStoreTest, LocksExclusively) {
  auto held = Open(true);
  EXPECT_EQ(store_.Open("ann@example.com", "secret", true).result, LoginResult::kInUse);
  EXPECT_EQ(store_.Open("ann@example.com", "secret", false).result, LoginResult::kInUse);
  EXPECT_EQ(store_.Open("ann@example.com", "wrong", true).result, LoginResult::kRefused);
  EXPECT_EQ(store_.OpenCount("ann@example.com"), 1);
  held.reset();
  held = Open(false);
  EXPECT_EQ(store_.Open("ann@example.com", "secret", true).result, LoginResult::kInUse);
  EXPECT_EQ(store_.Open("ann@example.com", "secret", false).result, LoginResult::kAccepted);
  held.reset();
  EXPECT_EQ(store_.OpenCount("ann@example.com"), 0);
  EXPECT_NE(Open(true), nullptr);
}

TEST_F(MailStoreTest, UniqueIdsStayAndAreNeverReused) {
  std::set<std::string> seen;
  for (const Message& message : *store_.Messages("ann@example.com")) {
    EXPECT_TRUE(seen.insert(message.unique_id).second);
    EXPECT_LE(message.unique_id.size(), 70u);
    for (const char c : message.unique_id) EXPECT_TRUE(c >= 0x21 && c <= 0x7e);
  }
  const std::string third = store_.Messages("ann@example.com")->at(2).unique_id;
  const auto drop = Open();
  drop->Delete(1);
  drop->Delete(2);
  drop->Commit();
  EXPECT_EQ(store_.Messages("ann@example.com")->at(0).unique_id, third);
  store_.AddMessage("ann@example.com", "one");  // again, but it is another message
  EXPECT_TRUE(seen.insert(store_.Messages("ann@example.com")->at(1).unique_id).second);
}

TEST_F(MailStoreTest, UniqueIdsAreTheSameInEveryStore) {
  MailStore other;
  other.AddUser("ann@example.com", "other password");
  for (const char* text : {"one", "two two", "three"}) other.AddMessage("ann@example.com", text);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(other.Messages("ann@example.com")->at(i).unique_id,
              store_.Messages("ann@example.com")->at(i).unique_id);
  }
}

TEST_F(MailStoreTest, SharesTheBytesOfAMessage) {
  const auto text = std::make_shared<const std::string>("shared\r\n");
  store_.AddUser("ben@example.com", "x");
  store_.AddMessage("ann@example.com", text);
  store_.AddMessage("ben@example.com", text);
  EXPECT_EQ(store_.Messages("ann@example.com")->back().text.get(), text.get());
  EXPECT_EQ(store_.Messages("ben@example.com")->back().text.get(), text.get());
}

}  // namespace
}  // namespace poplar::demo
