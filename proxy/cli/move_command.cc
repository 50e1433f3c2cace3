#include "proxy/cli/move_command.h"

#include "proxy/cli/named_item.h"
#include "proxy/cli/running_poplar.h"
#include "proxy/config/load.h"
#include "proxy/config/units.h"

namespace poplar::cli {
namespace {

int Fail(std::ostream& err, const std::string& text) {
  err << "poplar: error: " << text << "\n";
  return 1;
}

// Passes the answer on.
int Ask(const config::Config& config, std::string_view method, const std::string& target,
        std::ostream& out, std::ostream& err) {
  constexpr int kOk = 200;
  const auto answer = AskAdminOf(config, method, target);
  if (!answer) return Fail(err, "no Poplar answers at " + answer.error());
  if (answer->status != kOk) {
    const size_t end = answer->body.find_last_not_of('\n') + 1;
    return Fail(err, "Poplar refuses it: " + answer->body.substr(0, end));
  }
  out << answer->body << std::flush;
  return out.good() ? 0 : 1;
}

}  // namespace

int RunMove(const MoveOptions& options, std::ostream& out, std::ostream& err) {
  const config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
    return 1;
  }
  const auto& moves = loaded.config.moves;
  if (NumberOf(moves, options.name) == moves.size())
    return Fail(err, UnknownName(moves, "move", options.name));
  const auto percent = config::ParsePercent(options.percent);
  if (!percent)
    return Fail(
        err, percent.error().message + "; " + std::string(config::kPercentForm) + " is expected");
  // The checks let nothing into a move's name that a URL would have to escape.
  return Ask(loaded.config, "POST",
             "/moves/" + options.name + "?percent=" + config::FormatPercent(*percent), out, err);
}

int RunMoves(const MoveOptions& options, std::ostream& out, std::ostream& err) {
  const config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
    return 1;
  }
  return Ask(loaded.config, "GET", "/moves?format=text", out, err);
}

}  // namespace poplar::cli
