#include "proxy/directory/http_answer.h"

#include <gtest/gtest.h>

namespace poplar::directory {
namespace {

using Kind = Answer::Kind;
using Headers = std::vector<std::pair<std::string, std::string>>;

Answer Of(int status, Headers headers) {
  HttpResponse response;
  response.status = status;
  response.headers = std::move(headers);
  return ToAnswer(response);
}

TEST(HttpAnswer, SaysWhereAUserIs) {
  struct Case {
    Headers headers;
    std::string place;
  };
  const Case cases[] = {
      {{{"auth-server", "192.0.2.1"}, {"auth-port", "110"}}, "192.0.2.1:110"},
      {{{"auth-server", "mail-1.internal"}, {"auth-port", "995"}}, "mail-1.internal:995"},
      {{{"auth-server", "2001:db8::1"}, {"auth-port", "110"}}, "[2001:db8::1]:110"},
      {{{"auth-server", "[2001:db8::1]"}, {"auth-port", "110"}}, "[2001:db8::1]:110"},
      {{{"auth-server", "mail-1.internal"}}, "mail-1.internal"},
      {{{"auth-server", "2001:db8::1"}}, "2001:db8::1"},
      {{{"auth-cluster", "mail/mail-1"}}, "mail/mail-1"},
      {{{"auth-cluster", "mail"}, {"auth-server", "192.0.2.1"}, {"auth-port", "110"}}, "mail"},
  };
  for (const Case& c : cases) {
    Headers headers = c.headers;
    headers.emplace_back("auth-status", "OK");
    const Answer answer = Of(200, headers);
    EXPECT_EQ(answer.kind, Kind::kFound);
    EXPECT_EQ(answer.found.place, c.place);
    EXPECT_EQ(answer.found.login, "");
    EXPECT_EQ(answer.found.password, nullptr);
  }
}

TEST(HttpAnswer, MayGiveAnotherNameAndPassword) {
  const Answer answer = Of(200, {{"auth-status", "OK"},
                                 {"auth-cluster", "mail"},
                                 {"auth-user", "a4711"},
                                 {"auth-pass", "inner"}});
  EXPECT_EQ(answer.found.login, "a4711");
  ASSERT_NE(answer.found.password, nullptr);
  EXPECT_EQ(answer.found.password->Expose(), "inner");
}

TEST(HttpAnswer, RefusesInOneLineForTheClient) {
  struct Case {
    Headers headers;
    std::string text;
    std::chrono::seconds wait;
  };
  const Case cases[] = {
      {{{"auth-status", "Invalid login"}}, "Invalid login", std::chrono::seconds(0)},
      {{{"auth-status", "no"}, {"auth-wait", "3"}}, "no", std::chrono::seconds(3)},
      {{{"auth-status", "no"}, {"auth-wait", "3600"}}, "no", std::chrono::seconds(60)},
      {{{"auth-status", "no"}, {"auth-wait", "99999999999999"}}, "no", std::chrono::seconds(60)},
      {{{"auth-status", "no"}, {"auth-wait", "-1"}}, "no", std::chrono::seconds(0)},
      {{{"auth-status", "no"}, {"auth-wait", "soon"}}, "no", std::chrono::seconds(0)},
      {{{"auth-status", "ok"}}, "ok", std::chrono::seconds(0)},  // nginx's OK is in capitals
      {{{"auth-status", "tab\there\x80"}}, "tab?here?", std::chrono::seconds(0)},
      {{{"auth-status", std::string(1000, 'x')}}, std::string(400, 'x'), std::chrono::seconds(0)},
  };
  for (const Case& c : cases) {
    const Answer answer = Of(200, c.headers);
    EXPECT_EQ(answer.kind, Kind::kRefused);
    EXPECT_EQ(answer.text, c.text);
    EXPECT_EQ(answer.wait, c.wait) << c.text;
  }
}

// nginx's WAIT, too, is no refusal.
TEST(HttpAnswer, MayWantToBeAskedAgain) {
  for (const auto& [header, wait] :
       {std::pair{"2", 2}, {"60", 60}, {"61", 60}, {"0", 1}, {"", 1}, {"soon", 1}}) {
    const Answer answer = Of(200, {{"auth-status", "WAIT"}, {"auth-wait", header}});
    EXPECT_EQ(answer.kind, Kind::kNotYet);
    EXPECT_EQ(answer.wait, std::chrono::seconds(wait)) << header;
  }
  EXPECT_EQ(Of(200, {{"auth-status", "WAIT"}}).kind, Kind::kNotYet);
  EXPECT_EQ(Of(200, {{"auth-status", "wait"}}).kind, Kind::kRefused);
}

TEST(HttpAnswer, TellsTroubleFromNobody) {
  EXPECT_EQ(Of(404, {}).kind, Kind::kUnknown);
  struct Case {
    int status;
    Headers headers;
    std::string why;
  };
  const Case cases[] = {
      {500, {{"auth-status", "OK"}, {"auth-cluster", "mail"}}, "answered with HTTP status 500"},
      {302, {}, "answered with HTTP status 302"},
      {200, {}, "answered without Auth-Status"},
      {200, {{"auth-status", "OK"}}, "answered OK without Auth-Server or Auth-Cluster"},
      {200,
       {{"auth-status", "OK"}, {"auth-port", "110"}},
       "answered OK without Auth-Server or Auth-Cluster"},
  };
  for (const Case& c : cases) {
    const Answer answer = Of(c.status, c.headers);
    EXPECT_EQ(answer.kind, Kind::kUnavailable);
    EXPECT_EQ(answer.text, c.why);
  }
}

}  // namespace
}  // namespace poplar::directory
