#include "proxy/directory/http_question.h"

#include <gtest/gtest.h>

#include <string>

namespace poplar::directory {
namespace {

Question Anna() {
  Question question;
  question.user = "anna@example.org";
  question.login = "Anna";
  question.mechanism = "USER";
  question.secret = pop3::Secret("pa ss%");
  question.client = *io::Address::Parse("192.0.2.7", 4711);
  return question;
}

std::string Text(const Question& question, std::string_view more = "") {
  return std::string(
      RenderHttpQuestion(question, "/auth?x=1", "auth.internal:8080", more).Expose());
}

TEST(HttpQuestion, SaysWhatNginxSays) {
  EXPECT_EQ(Text(Anna()),
            "GET /auth?x=1 HTTP/1.1\r\nHost: auth.internal:8080\r\nAuth-Method: plain\r\n"
            "Auth-User: Anna\r\nAuth-Pass: pa%20ss%25\r\nAuth-Protocol: pop3\r\n"
            "Auth-Login-Attempt: 1\r\nClient-IP: 192.0.2.7\r\n\r\n");
}

TEST(HttpQuestion, AddsTlsAndTheOperatorsHeaders) {
  Question question = Anna();
  question.mechanism = "EXTERNAL";
  question.attempt = 2;
  question.tls_version = "TLSv1.3";
  question.tls_cipher = "TLS_AES_128_GCM_SHA256";
  question.server_name = "pop.example.org\r\nAuth-Status: OK";
  question.certificate = {.subject = "CN=Anna Bell,O=Example\\, Inc.",
                          .issuer = "CN=Example CA",
                          .serial = "0A1B",
                          .fingerprint = "00ff"};
  const std::string text = Text(question, "X-Key: a b\r\n");
  EXPECT_NE(text.find("\r\nAuth-Method: external\r\n"), text.npos);
  EXPECT_NE(text.find("\r\nAuth-Login-Attempt: 2\r\n"), text.npos);
  EXPECT_NE(text.find("\r\nAuth-SSL: on\r\nAuth-SSL-Protocol: TLSv1.3\r\n"
                      "Auth-SSL-Cipher: TLS_AES_128_GCM_SHA256\r\n"
                      "Auth-SSL-Server-Name: pop.example.org%0D%0AAuth-Status:%20OK\r\n"
                      "Auth-SSL-Verify: SUCCESS\r\n"
                      "Auth-SSL-Subject: CN=Anna Bell,O=Example\\, Inc.\r\n"
                      "Auth-SSL-Issuer: CN=Example CA\r\nAuth-SSL-Serial: 0A1B\r\n"
                      "Auth-SSL-Fingerprint: 00ff\r\n"),
            text.npos);
  EXPECT_NE(text.find("\r\nX-Key: a b\r\n\r\n"), text.npos);
}

TEST(HttpQuestion, SaysThatNoCertificateWasShown) {
  Question question = Anna();
  question.tls_version = "TLSv1.3";
  EXPECT_NE(Text(question).find("\r\nAuth-SSL-Verify: NONE\r\n"), std::string::npos);
  question.certificate.emplace();  // one of which nothing can be told
  EXPECT_NE(Text(question).find("\r\nAuth-SSL-Verify: SUCCESS\r\n\r\n"), std::string::npos);
}

// Whatever bytes there are, the request has as many lines as without them; what can't be escaped is
// left out.
TEST(HttpQuestion, NoByteBecomesAHeader) {
  const auto lines = [](const std::string& text) {
    size_t count = 0;
    for (size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) ++count;
    return count;
  };
  Question plain = Anna();
  plain.tls_version = plain.tls_cipher = plain.server_name = "x";
  plain.certificate.emplace();
  const size_t expected = lines(Text(plain));
  for (int byte = 0; byte < 256; ++byte) {
    const std::string nasty = {'a', static_cast<char>(byte), '\r', '\n', static_cast<char>(byte)};
    Question question = Anna();
    question.login = question.server_name = nasty;
    question.certificate = {nasty, nasty, nasty, nasty};
    question.tls_version = question.tls_cipher = "x";
    question.secret = pop3::Secret(nasty);
    EXPECT_EQ(lines(Text(question)), expected) << byte;
  }
  EXPECT_EQ(EscapeForHeader(std::string("\0\r\n %~\x7f\xc3", 8)), "%00%0D%0A%20%25~\x7f\xc3");
}

TEST(HttpQuestion, NamesTheMethod) {
  for (const auto& [mechanism, method] : {std::pair{"PLAIN", "plain"},
                                          {"LOGIN", "plain"},
                                          {"XOAUTH2", "xoauth2"},
                                          {"SCRAM-SHA-256", "scram-sha-256"}}) {
    Question question = Anna();
    question.mechanism = mechanism;
    EXPECT_NE(Text(question).find("\r\nAuth-Method: " + std::string(method) + "\r\n"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace poplar::directory
