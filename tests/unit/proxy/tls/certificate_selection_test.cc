#include "proxy/tls/certificate_selection.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace poplar::tls {
namespace {

TEST(NameMatchesTest, Table) {
  struct Case {
    const char* pattern;
    const char* name;
    bool matches;
  };
  const Case cases[] = {{"a.example", "a.example", true},
                        {"a.example", "A.Example", true},
                        {"A.EXAMPLE", "a.example", true},
                        {"a.example", "a.example.", true},
                        {"a.example", "b.example", false},
                        {"a.example", "xa.example", false},
                        {"a.example", "", false},
                        {"", "", false},
                        {"a.example", ".", false},
                        {"*.example", "a.example", true},
                        {"*.example", "a.example.", true},
                        {"*.example", "a.b.example", false},
                        {"*.example", "example", false},
                        {"*.example", ".example", false},
                        {"*.a.example", "x.A.example", true},
                        {"*", "a", false},
                        {"a*.example", "ab.example", false},
                        {"*a.example", "ba.example", false}};
  for (const Case& c : cases) {
    EXPECT_EQ(NameMatches(c.pattern, c.name), c.matches) << c.pattern << " " << c.name;
  }
}

CertificateFacts Certificate(std::vector<std::string> names, std::string key_type) {
  CertificateFacts facts;
  facts.dns_names = std::move(names);
  facts.key_type = std::move(key_type);
  return facts;
}

constexpr uint16_t kEcdsa[] = {0x0403, 0x0804};
constexpr uint16_t kRsa[] = {0x0804, 0x0401};
constexpr uint16_t kP384Only[] = {0x0503};
constexpr uint16_t kEcdsaSuite[] = {0xC02F, 0xC02B};
constexpr uint16_t kRsaSuite[] = {0xC02F};

TEST(SelectCertificateTest, ByWhatTheClientCanCheck) {
  const std::vector<CertificateFacts> both = {Certificate({"a"}, "RSA 2048"),
                                              Certificate({"a"}, "ECDSA P-256")};
  const std::vector<CertificateFacts> p384 = {Certificate({"a"}, "RSA 2048"),
                                              Certificate({"a"}, "ECDSA P-384")};
  const auto offer = [](std::span<const uint16_t> algorithms, std::span<const uint16_t> suites,
                        bool tls13) { return ClientOffer{"a", algorithms, suites, tls13}; };
  EXPECT_EQ(SelectCertificate(both, offer(kEcdsa, {}, true)), 1U);
  EXPECT_EQ(SelectCertificate(both, offer(kRsa, kEcdsaSuite, true)), 0U);
  EXPECT_EQ(SelectCertificate(both, offer(kP384Only, {}, true)), 0U) << "TLS 1.3 binds the curve";
  EXPECT_EQ(SelectCertificate(p384, offer(kP384Only, {}, true)), 1U);
  EXPECT_EQ(SelectCertificate(p384, offer(kEcdsa, {}, true)), 0U);
  EXPECT_EQ(SelectCertificate(both, offer(kEcdsa, kEcdsaSuite, false)), 1U);
  EXPECT_EQ(SelectCertificate(both, offer(kP384Only, kEcdsaSuite, false)), 1U);
  EXPECT_EQ(SelectCertificate(both, offer(kEcdsa, kRsaSuite, false)), 0U);
  EXPECT_EQ(SelectCertificate(both, offer({}, kEcdsaSuite, false)), 0U) << "no extension sent";
}

TEST(SelectCertificateTest, ByName) {
  const std::vector<CertificateFacts> certificates = {
      Certificate({"first"}, "ECDSA P-256"), Certificate({"*.example"}, "ECDSA P-256"),
      Certificate({"a.example"}, "RSA 2048"), Certificate({"other", "First"}, "RSA 2048")};
  const auto select = [&](std::string_view name, std::span<const uint16_t> algorithms) {
    return SelectCertificate(certificates, ClientOffer{name, algorithms, {}, true});
  };
  EXPECT_EQ(select("first", kEcdsa), 0U);
  EXPECT_EQ(select("first", kRsa), 3U);
  EXPECT_EQ(select("other", kEcdsa), 3U);
  EXPECT_EQ(select("a.example", kEcdsa), 2U) << "a literal name wins over a wildcard";
  EXPECT_EQ(select("b.example", kEcdsa), 1U);
  EXPECT_EQ(select("b.example", kRsa), 1U) << "no other choice";
  EXPECT_EQ(select("", kEcdsa), 0U);
  EXPECT_EQ(select("", kRsa), 3U);
  EXPECT_EQ(select("unknown", kRsa), 3U);
  const std::vector<CertificateFacts> nameless = {Certificate({}, "ECDSA P-256"),
                                                  Certificate({}, "RSA 2048")};
  EXPECT_EQ(SelectCertificate(nameless, ClientOffer{"x", kRsa, {}, true}), 0U);
}

}  // namespace
}  // namespace poplar::tls
