#include "proxy/autoconfig/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/proxy/autoconfig/sample_service.h"

namespace poplar::autoconfig {
namespace {

using testing::HasSubstr;
using testing::Not;
using Method = HttpRequest::Method;

Answer Ask(Method method, std::string path, std::string query = "", std::string body = "",
           bool secure = true, const MailService& service = SampleService()) {
  return AnswerTo(service, {method, std::move(path), std::move(query), std::move(body)}, secure, 0);
}

std::string Outcome(const Answer& answer) {
  return std::string(Name(answer.form)) + " " + std::string(Name(answer.result)) + " " +
         std::to_string(answer.response.status);
}

std::string Get(std::string path, std::string query = "") {
  return Outcome(Ask(Method::kGet, std::move(path), std::move(query)));
}

TEST(AnswerTo, KnowsThePaths) {
  EXPECT_EQ(Get("/mail/config-v1.1.xml"), "thunderbird ok 200");
  EXPECT_EQ(Get("/.well-known/autoconfig/mail/config-v1.1.xml"), "thunderbird ok 200");
  EXPECT_EQ(Get("/.well-known/mail-v1.xml"), "thunderbird ok 200");
  EXPECT_EQ(Get("/mobileconfig", "emailaddress=anna@example.org"), "apple ok 200");
  EXPECT_EQ(Get("/apple.mobileconfig", "emailaddress=anna@example.org"), "apple ok 200");
  EXPECT_EQ(Get("/.well-known/user-agent-configuration.json"), "pacc ok 200");
  EXPECT_EQ(Get("/AutoDiscover/AutoDiscover.xml", "Email=anna@example.org"), "autodiscover ok 200");
  EXPECT_EQ(Get("/"), "none not_found 404");
  EXPECT_EQ(Get("/mail/../mail/config-v1.1.xml"), "none not_found 404");
  EXPECT_EQ(Get(""), "none not_found 404");
}

TEST(AnswerTo, GoesByTheAddress) {
  const std::string path = "/mail/config-v1.1.xml";
  const Answer answer = Ask(Method::kGet, path, "emailaddress=anna%40Example.NET");
  EXPECT_THAT(answer.response.body, HasSubstr("id=\"example.net\""));
  EXPECT_EQ(Get(path, "emailaddress=anna@elsewhere.org"), "thunderbird not_found 404");
  EXPECT_EQ(Get(path, "emailaddress=anna"), "thunderbird bad_request 400");
  EXPECT_EQ(Get(path, "emailaddress="), "thunderbird bad_request 400");
  EXPECT_EQ(Get(path, "emailaddress=%zz"), "thunderbird bad_request 400");
  EXPECT_EQ(Get("/mobileconfig"), "apple bad_request 400");
  EXPECT_EQ(Get("/mobileconfig", "emailaddress=anna@elsewhere.org"), "apple not_found 404");
}

TEST(AnswerTo, EchoesNothingUnfit) {
  const std::string evil = "emailaddress=%3Cscript%3E%26%22%27@example.org";
  for (const std::string path :
       {"/mail/config-v1.1.xml", "/mobileconfig", "/autodiscover/autodiscover.xml"}) {
    const Answer answer = Ask(Method::kGet, path, evil);
    EXPECT_EQ(answer.result, Result::kBadRequest) << path;
    EXPECT_THAT(answer.response.body, Not(HasSubstr("script"))) << path;
  }
  const Answer fit = Ask(Method::kGet, "/mobileconfig", "emailaddress=a%26b'c@example.org");
  EXPECT_THAT(fit.response.body, HasSubstr("<string>a&amp;b&apos;c@example.org</string>"));
}

TEST(AnswerTo, KnowsTheMethods) {
  EXPECT_EQ(Outcome(Ask(Method::kHead, "/mail/config-v1.1.xml")), "thunderbird ok 200");
  const Answer post = Ask(Method::kPost, "/mail/config-v1.1.xml");
  EXPECT_EQ(Outcome(post), "thunderbird bad_request 405");
  EXPECT_EQ(post.response.field, "Allow: GET, HEAD");
  const Answer other = Ask(Method::kOther, "/autodiscover/autodiscover.xml");
  EXPECT_EQ(Outcome(other), "autodiscover bad_request 405");
  EXPECT_EQ(other.response.field, "Allow: GET, HEAD, POST");
}

TEST(AnswerTo, TellsOutlook) {
  const auto post = [](std::string body) {
    return Ask(Method::kPost, "/autodiscover/autodiscover.xml", "", std::move(body), false);
  };
  const Answer good = post("<EMailAddress>anna@example.org</EMailAddress>");
  EXPECT_EQ(Outcome(good), "autodiscover ok 200");
  EXPECT_THAT(good.response.body, HasSubstr("<Type>POP3</Type>"));
  // Errors are documents of its own; HTTP knows nothing of them.
  const Answer unknown = post("<EMailAddress>anna@elsewhere.org</EMailAddress>");
  EXPECT_EQ(Outcome(unknown), "autodiscover not_found 200");
  EXPECT_THAT(unknown.response.body, HasSubstr("<ErrorCode>500</ErrorCode>"));
  EXPECT_EQ(Outcome(post("nonsense")), "autodiscover bad_request 200");
  EXPECT_EQ(Get("/autodiscover/autodiscover.xml"), "autodiscover bad_request 200");
}

TEST(AnswerTo, SendsOutlookToHttps) {
  const auto get = [](const MailService& service) {
    return Ask(Method::kGet, "/Autodiscover/Autodiscover.xml", "", "", false, service);
  };
  MailService service = SampleService();
  EXPECT_EQ(Outcome(get(service)), "autodiscover ok 302");
  EXPECT_EQ(get(service).response.field,
            "Location: https://pop.example.org/autodiscover/autodiscover.xml");
  service.has_https = false;
  EXPECT_EQ(Outcome(get(service)), "autodiscover bad_request 200");
}

TEST(AnswerTo, TellsAppleAndPaccOnlyWhatTheyCanUse) {
  MailService service = SampleService();
  service.outgoing.clear();
  service.incoming[0].port = 1995;
  EXPECT_EQ(Outcome(Ask(Method::kGet, "/mobileconfig", "emailaddress=anna@example.org", "", true,
                        service)),
            "apple not_found 404");
  EXPECT_EQ(Outcome(Ask(Method::kGet, "/.well-known/user-agent-configuration.json", "", "", true,
                        service)),
            "pacc not_found 404");
}

TEST(Refusal, IsPlain) { EXPECT_EQ(Outcome(Refusal(413)), "none bad_request 413"); }

}  // namespace
}  // namespace poplar::autoconfig
