#include "proxy/demo/demo_mail.h"

#include <gtest/gtest.h>

#include "proxy/demo/message_text.h"

namespace poplar::demo {
namespace {

TEST(DemoMail, GivesEveryUserMailAndOneNone) {
  MailStore store;
  AddDemoMail(store);
  ASSERT_GE(DemoUsers().size(), 5u);
  size_t without = 0;
  size_t large = 0;
  size_t dots = 0;
  for (const DemoUser& user : DemoUsers()) {
    EXPECT_TRUE(user.name.ends_with("@example.com"));
    EXPECT_EQ(store.Open(user.name, user.password, false).result,
              MailStore::LoginResult::kAccepted);
    const auto messages = store.Messages(user.name);
    without += messages->empty();
    for (const Message& message : *messages) {
      EXPECT_EQ(WithCrlf(*message.text), *message.text);
      EXPECT_NE(message.text->find("\r\n\r\n"), std::string::npos);
      EXPECT_NE(message.text->find("To: " + std::string(user.name) + "\r\n"), std::string::npos);
      EXPECT_TRUE(message.text->starts_with("Date: "));
      large += message.text->size() > 190'000 && message.text->size() < 230'000;
      dots += message.text->find("\n.\r\n") != std::string::npos;
    }
  }
  EXPECT_EQ(without, 1u);
  EXPECT_GE(large, 2u);
  EXPECT_GE(dots, 2u);
}

TEST(DemoMail, KeepsLinesWithinWhatMailAllows) {
  MailStore store;
  AddDemoMail(store);
  for (const Message& message : *store.Messages("alice@example.com")) {
    size_t begin = 0;
    for (size_t end; (end = message.text->find("\r\n", begin)) != std::string::npos;
         begin = end + 2) {
      EXPECT_LE(end - begin, 998u);  // RFC 5322 section 2.1.1
    }
  }
}

TEST(DemoMail, IsTheSameEveryTime) {
  MailStore first;
  MailStore second;
  AddDemoMail(first);
  AddDemoMail(second);
  for (const DemoUser& user : DemoUsers()) {
    const auto a = first.Messages(user.name);
    const auto b = second.Messages(user.name);
    ASSERT_EQ(a->size(), b->size());
    for (size_t i = 0; i < a->size(); ++i) {
      EXPECT_EQ(*(*a)[i].text, *(*b)[i].text);
      EXPECT_EQ((*a)[i].unique_id, (*b)[i].unique_id);
    }
  }
}

}  // namespace
}  // namespace poplar::demo
