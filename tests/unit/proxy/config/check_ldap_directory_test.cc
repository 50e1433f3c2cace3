#include "proxy/config/check_ldap_directory.h"

#include <gtest/gtest.h>

#include <string>

#include "proxy/config/check_directories.h"
#include "proxy/config/read.h"

namespace poplar::config {
namespace {

std::string Problems(const std::string& ldap) {
  const ReadResult read =
      Read({"poplar.yaml", "directories:\n  - name: people\n    ldap: {" + ldap + "}\n"});
  for (const Problem& problem : read.problems)
    EXPECT_FALSE(problem.path.starts_with("directories")) << problem.path << problem.message;
  Findings findings(read.positions);
  CheckDirectories(read.config, findings);
  std::string lines;
  for (const Problem& problem : findings.Take())
    lines += problem.path + ": " + problem.message + "\n";
  return lines;
}

TEST(CheckLdapDirectory, TakesWhatIsRight) {
  EXPECT_EQ(
      Problems("urls: [\"ldaps://ldap-1.example.org\", \"ldaps://ldap-2.example.org:1636\"], "
               "ca_file: /ca.pem, bind_dn: \"cn=poplar,dc=org\", password_file: /p, "
               "base: dc=org, scope: one, filter: \"(mail=%u)\", place: mailHost, login: uid"),
      "");
  EXPECT_EQ(Problems("urls: [\"ldap://ldap.example.org\"], start_tls: yes, base: dc=org, "
                     "bind_dn: \"cn=poplar\", password_file: /p, ca_file: /ca.pem"),
            "");
  // Nobody else listens there.
  EXPECT_EQ(Problems("urls: [\"ldapi://%2frun%2fldapi\", \"ldap://127.0.0.1\"], base: dc=org, "
                     "bind_dn: \"cn=poplar\", password_file: /p"),
            "");
}

TEST(CheckLdapDirectory, ReportsEachMistake) {
  struct Case {
    std::string ldap, problems;
  };
  const std::string good = "urls: [\"ldaps://a\"], base: dc=org";
  const std::string at = "directories[0].ldap.";
  const Case cases[] = {
      {"base: dc=org", at + "urls: there is nobody to ask\n"},
      {"base: dc=org, urls: [\"http://a\"]",
       at + "urls: \"http://a\" begins with none of ldap://, ldaps://, ldapi://\n"},
      {"base: dc=org, urls: [\"ldap://a\"], bind_dn: cn=a, password_file: /p",
       at + "urls: \"ldap://a\": the password of bind_dn crosses the network in the clear\n"},
      {"base: dc=org, urls: [\"ldaps://localhost\"]",
       at + "urls: \"ldaps://localhost\": libldap takes localhost for this machine's own name, "
            "which "
            "the certificate must bear\n"},
      {good + ", start_tls: yes",
       at + "start_tls: ldaps:// begins with TLS; there is nothing to start\n"},
      {"base: dc=org, urls: [\"ldapi://%2fa\"], start_tls: yes",
       at + "start_tls: has no effect without ldap://\n"},
      {"base: dc=org, urls: [\"ldap://a\"], ca_file: /ca",
       at + "ca_file: has no effect without ldaps:// or start_tls\n"},
      {good + ", client_key: /k", at + "client_key: there is a key, but no client_certificate\n"},
      {good + ", bind_dn: cn=a", at + "bind_dn: has no password\n"},
      {good + ", password_file: /p", at + "password_file: there is a password, but no bind_dn\n"},
      {"urls: [\"ldaps://a\"]", at + "base: there is nowhere to look\n"},
      {good + ", filter: \"(mail=%u\"", at + "filter: \"(mail=%u\" lacks a )\n"},
      {good + ", place: \"\"", at + "place: \"\" is no attribute\n"},
      {good + ", login: \"a b\"", at + "login: \"a b\" is no attribute\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(Problems(c.ldap), c.problems) << c.ldap;
}

}  // namespace
}  // namespace poplar::config
