#include "proxy/config/autoconfig_names.h"

#include <gtest/gtest.h>

namespace poplar::config {
namespace {

std::string Told(const Config& config) {
  std::string text;
  for (const AutoconfigIncomingConfig& each : ToldListeners(config))
    text += each.listener + ":" + std::to_string(each.port) + " ";
  return text;
}

TEST(ToldListeners, AreThoseWithTlsTheBestFirst) {
  Config config;
  config.listeners.resize(4);
  config.listeners[0] = {.name = "a", .tls = ListenerTls::kStls};
  config.listeners[1] = {.name = "b", .tls = ListenerTls::kNone};
  config.listeners[2] = {.name = "c", .tls = ListenerTls::kImplicit};
  config.listeners[3] = {.name = "d", .tls = ListenerTls::kImplicit};
  EXPECT_EQ(Told(config), "c:0 d:0 a:0 ");
}

TEST(ToldListeners, AreWhoTheOperatorNames) {
  Config config;
  config.listeners.push_back({.name = "a"});
  config.autoconfig.incoming = {{"b", 1}, {"a", 0}};
  EXPECT_EQ(Told(config), "b:1 a:0 ");
}

TEST(FirstHostName, PassesWildcardsOver) {
  EXPECT_EQ(FirstHostName({"*.example.org", "pop.example.org", "b"}), "pop.example.org");
  EXPECT_EQ(FirstHostName({"*.example.org"}), "");
  EXPECT_EQ(FirstHostName({}), "");
}

TEST(Covers, GoesByTheFirstLabel) {
  EXPECT_TRUE(Covers("pop.example.org", "Pop.Example.org"));
  EXPECT_TRUE(Covers("*.example.org", "pop.example.org"));
  EXPECT_FALSE(Covers("*.example.org", "example.org"));
  EXPECT_FALSE(Covers("*.example.org", "a.pop.example.org"));
  EXPECT_FALSE(Covers("*.example.org", ".example.org"));
  EXPECT_FALSE(Covers("*.example.org", "pop"));
  EXPECT_FALSE(Covers("pop.example.org", "example.org"));
}

}  // namespace
}  // namespace poplar::config
