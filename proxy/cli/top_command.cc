#include "proxy/cli/top_command.h"

#include <signal.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "proxy/cli/fail.h"
#include "proxy/cli/process.h"
#include "proxy/cli/running_poplar.h"
#include "proxy/cli/terminal.h"
#include "proxy/cli/top_sample.h"
#include "proxy/cli/top_view.h"
#include "proxy/config/load.h"
#include "proxy/config/units.h"
#include "proxy/io/system_clock.h"

namespace poplar::cli {
namespace {

constexpr config::Duration kIntervalMin = std::chrono::milliseconds(100);
constexpr config::Duration kIntervalMax = std::chrono::hours(1);
// Without a screen to fill.
constexpr TopSize kPlainSize{.columns = 200, .rows = 0};
constexpr size_t kPlainSessions = 20;

tl::expected<TopSample, std::string> TakeSample(const config::Config& config, size_t sessions) {
  const auto status = AskForBody(config, "GET", "/api/v1/status");
  if (!status) return tl::unexpected(status.error());
  const auto nodes = AskForBody(config, "GET", "/api/v1/nodes");
  if (!nodes) return tl::unexpected(nodes.error());
  const auto listed = AskForBody(config, "GET", SessionsTarget({.limit = sessions}));
  if (!listed) return tl::unexpected(listed.error());
  auto sample = ReadTopSample(*status, *nodes, *listed);
  if (!sample) return tl::unexpected(config.admin.address + ": not what a Poplar answers");
  return std::move(*sample);
}

int PrintOnce(const config::Config& config, config::Duration interval, const TopSample& before,
              std::ostream& out, std::ostream& err) {
  if (WaitForSignal(interval) != 0) return 0;
  const auto now = TakeSample(config, kPlainSessions);
  if (!now) return Fail(err, now.error());
  out << TopPicture(before, *now, config.admin.address, kPlainSize, config::Color::kNever)
      << std::flush;
  return out.good() ? 0 : 1;
}

size_t SessionsThatFit(const TopSize& size) {
  return std::clamp<size_t>(size.rows, 1, metrics::kSessionsShownMax);
}

int DrawUntilEnd(const config::Config& config, const TopOptions& options, config::Duration interval,
                 TopSample before, const Terminal& terminal) {
  const io::SystemClock clock;
  TopSample now = before;
  std::string trouble;
  for (io::Time next = clock.Now() + interval;;) {
    const TopSize size = terminal.size();
    std::string picture = TopPicture(before, now, config.admin.address, size, options.color);
    if (!trouble.empty()) {
      const std::string told = trouble + "; trying again";
      picture.replace(0, picture.find('\n'), FirstColumns(told, size.columns));
    }
    if (!terminal.Draw(picture)) return 1;
    switch (terminal.WaitUntil(clock, next)) {
      case Terminal::Wake::kEnd:
        return 0;
      case Terminal::Wake::kResized:
        continue;
      case Terminal::Wake::kTime:
        break;
    }
    next = clock.Now() + interval;
    auto sample = TakeSample(config, SessionsThatFit(size));
    trouble = sample ? std::string() : sample.error();
    if (sample) before = std::exchange(now, std::move(*sample));
  }
}

}  // namespace

int RunTop(const TopOptions& options, std::ostream& out, std::ostream& err) {
  const config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.err_color, err);
    return 1;
  }
  const auto interval = config::ParseDuration(options.interval);
  if (!interval || *interval < kIntervalMin || *interval > kIntervalMax) {
    return Fail(err, "--interval: " + std::string(config::kDurationForm) +
                         " is expected, from 100ms to 1h");
  }
  // What is wrong is said while the terminal is still as it was.
  auto first = TakeSample(loaded.config, kPlainSessions);
  if (!first) return Fail(err, first.error());
  const auto terminal = options.once ? nullptr : Terminal::Open();
  if (terminal == nullptr) return PrintOnce(loaded.config, *interval, *first, out, err);
  return DrawUntilEnd(loaded.config, options, *interval, std::move(*first), *terminal);
}

}  // namespace poplar::cli
