#include "metrics/admin_access.h"

#include <absl/strings/escaping.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace poplar::metrics {
namespace {

using testing::HasSubstr;

class BasicAccessTest : public testing::Test {
 protected:
  static std::string Basic(std::string_view pair) {
    return "Basic " + absl::Base64Escape({pair.data(), pair.size()});
  }
  AdminRequest Request(const std::string& authorization) {
    headers_ = {{"Authorization", authorization}};
    return {.method = "GET", .path = "/nodes", .peer = "127.0.0.1", .headers = headers_};
  }

  std::vector<AdminRequest::Header> headers_;
  AdminHandlers handlers_{.may_read = [](std::string_view token) { return token == "rea:der"; },
                          .may_change = [](std::string_view token) { return token == "writer"; }};
};

TEST_F(BasicAccessTest, TheReadingTokenIsAPasswordWhateverTheUser) {
  for (const char* user : {"", "anna", "poplar"}) {
    const std::string shown = Basic(std::string(user) + ":rea:der");
    EXPECT_FALSE(WhyNoReading(Request(shown), handlers_)) << user;
  }
  const std::string in_lower_case = "bASIC" + Basic("x:rea:der").substr(5);
  EXPECT_FALSE(WhyNoReading(Request(in_lower_case), handlers_));
}

TEST_F(BasicAccessTest, NothingElseIs) {
  for (const std::string& shown :
       {Basic("x:reader"), Basic("rea:der"), Basic("x:writer"), Basic("x:"), Basic(""),
        std::string("Basic "), std::string("Basic"), std::string("Basic !"),
        std::string("Basic rea:der")}) {
    const auto denial = WhyNoReading(Request(shown), handlers_);
    ASSERT_TRUE(denial) << shown;
    EXPECT_EQ(denial->status, 401);
    EXPECT_EQ(denial->challenges[0], "Bearer realm=\"poplar\"");
    EXPECT_EQ(denial->challenges[1], "Basic realm=\"Poplar\"");
  }
}

// A browser would send it along to whatever page asks it to.
TEST_F(BasicAccessTest, ChangesNothing) {
  const std::string reader = Basic("x:rea:der");
  const auto denial = WhyNoChange(Request(reader), handlers_);
  ASSERT_TRUE(denial);
  EXPECT_EQ(denial->status, 403);
  EXPECT_THAT(denial->why, HasSubstr("admin.write_token_file"));
  const std::string writer = Basic("x:writer");
  const auto other = WhyNoChange(Request(writer), handlers_);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->status, 401);
  // No browser is to ask for a password here.
  EXPECT_EQ(other->challenges[1], "");
}

TEST_F(BasicAccessTest, IsNotAskedWithoutATokenForReading) {
  handlers_.may_read = nullptr;
  EXPECT_FALSE(WhyNoReading(Request(""), handlers_));
  const std::string any = Basic("x:rea:der");
  EXPECT_EQ(WhyNoChange(Request(any), handlers_)->status, 401);
  handlers_.may_change = nullptr;
  EXPECT_FALSE(WhyNoChange(Request(any), handlers_));  // from loopback, as ever
}

}  // namespace
}  // namespace poplar::metrics
