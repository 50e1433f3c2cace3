#include "proxy/server/visit_meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "metrics/exporter.h"
#include "proxy/server/shard_meter.h"

namespace poplar::server {
namespace {

using testing::HasSubstr;

class FixedClock final : public io::Clock {
 public:
  io::Time Now() const override { return {}; }
  int64_t UnixMicros() const override { return 1'000'000; }
};

metrics::Dimensions Sessions() {
  metrics::Dimensions dimensions;
  AddSessionDimensions(dimensions);
  return dimensions;
}

TEST(VisitMeter, CountsAndLogsEachClient) {
  const std::string path = testing::TempDir() + "visit_meter_test.log";
  std::filesystem::remove(path);
  const FixedClock clock;
  const metrics::Layout layout{Sessions()};
  metrics::Shard shard{layout};
  const metrics::Exporter exporter{layout, {&shard}, {}};
  {
    const auto log = *Log::Open(
        {.format = config::LogFormat::kLogfmt, .level = config::LogLevel::kDebug, .output = path},
        clock);
    VisitMeter meter(shard, *log);
    const io::Address client = *io::Address::Parse("192.0.2.7", 5);
    meter.VisitEnded(client, autoconfig::Form::kApple, autoconfig::Result::kBadRequest);
    meter.VisitEnded(client, autoconfig::Form::kNone, autoconfig::Result::kBroken);
    meter.VisitEnded(client, autoconfig::Form::kNone, autoconfig::Result::kBroken);
  }
  const std::string text = exporter.Text();
  EXPECT_THAT(text, HasSubstr("poplar_autoconfig_requests_total{form=\"apple\","
                              "result=\"bad_request\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("poplar_autoconfig_requests_total{form=\"none\","
                              "result=\"broken\"} 2\n"));
  std::ostringstream lines;
  lines << std::ifstream(path).rdbuf();
  EXPECT_THAT(lines.str(), HasSubstr("level=debug event=process message=\"autoconfig: 192.0.2.7 "
                                     "asked for apple: bad_request\"\n"));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace poplar::server
