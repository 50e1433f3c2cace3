#include "proxy/config/check_downstream.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "proxy/config/check.h"
#include "proxy/config/read.h"

namespace poplar::config {
namespace {

// Of the problems, "path: message" each.
std::string Problems(std::string_view listener, std::string_view tls = "") {
  const std::string text = "listeners: [{name: a, address: \"[::]:110\", " + std::string(listener) +
                           "}]\ntls: {certificates: [{certificate: a.pem}]" + std::string(tls) +
                           "}\nclusters: [{name: m, nodes: [{name: n, address: \"n:110\"}]}]\n";
  const ReadResult read = Read({"poplar.yaml", text});
  std::string found;
  for (const Problem& problem : read.problems)
    found += problem.path + ": " + problem.message + "\n";
  for (const Problem& problem : CheckMeaning(read.config, read.positions))
    found += problem.path + ": " + problem.message + "\n";
  return found;
}

TEST(CheckDownstream, TakesWhatIsRight) {
  EXPECT_EQ(Problems("tls: stls"), "");
  EXPECT_EQ(Problems("tls: stls, require_tls: no"), "");
  EXPECT_EQ(Problems("logins: [USER, PLAIN, SCRAM-SHA-256]"), "");
  EXPECT_EQ(Problems("proxy_protocol_from: [192.0.2.0/24, \"2001:db8::1\"]"), "");
  EXPECT_EQ(Problems("capabilities: {add: [EXPIRE 30 USER], remove: [IMPLEMENTATION]}"), "");
  EXPECT_EQ(Problems("tls: implicit", ", client_certificates: required, client_ca_file: ca.pem"),
            "");
}

TEST(CheckDownstream, NamesEachMistake) {
  EXPECT_EQ(Problems("logins: [USER, CRAM-MD5]"),
            "listeners[0].logins[1]: \"CRAM-MD5\" is no way to log in that Poplar knows\n");
  EXPECT_EQ(Problems("proxy_protocol_from: [192.0.2.1/24]").substr(0, 37),
            "listeners[0].proxy_protocol_from[0]: ");
  EXPECT_EQ(
      Problems("capabilities: {add: [\"\", \" X\", \".\", \"" + std::string(62, 'X') + "\"]}"),
      "listeners[0].capabilities.add[0]: \"\" can't be a line of CAPA\n"
      "listeners[0].capabilities.add[1]: \" X\" can't be a line of CAPA\n"
      "listeners[0].capabilities.add[2]: \".\" can't be a line of CAPA\n"
      "listeners[0].capabilities.add[3]: \"" +
          std::string(62, 'X') + "\" can't be a line of CAPA\n");
  EXPECT_EQ(Problems("capabilities: {remove: [EXPIRE 30]}"),
            "listeners[0].capabilities.remove[0]: \"EXPIRE 30\" is not a keyword\n");
  EXPECT_EQ(Problems("tls: implicit", ", client_certificates: optional"),
            "tls.client_certificates: it isn't said whose certificates clients may show\n");
  EXPECT_EQ(Problems("tls: implicit", ", client_ca_file: ca.pem"),
            "tls.client_ca_file: has no effect with client_certificates: off\n");
}

}  // namespace
}  // namespace poplar::config
