#include "proxy/cli/move_command.h"

#include "proxy/cli/fail.h"
#include "proxy/cli/running_poplar.h"
#include "proxy/config/load.h"
#include "proxy/config/named_item.h"
#include "proxy/config/units.h"

namespace poplar::cli {
int RunMove(const MoveOptions& options, std::ostream& out, std::ostream& err) {
  const config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
    return 1;
  }
  const auto& moves = loaded.config.moves;
  if (config::NumberOf(moves, options.name) == moves.size())
    return Fail(err, config::UnknownName(moves, "move", options.name));
  const auto percent = config::ParsePercent(options.percent);
  if (!percent)
    return Fail(
        err, percent.error().message + "; " + std::string(config::kPercentForm) + " is expected");
  // The checks let nothing into a move's name that a URL would have to escape.
  return PassAnswerOn(loaded.config, "POST",
                      "/moves/" + options.name + "?percent=" + config::FormatPercent(*percent), out,
                      err);
}

int RunMoves(const MoveOptions& options, std::ostream& out, std::ostream& err) {
  const config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
    return 1;
  }
  return PassAnswerOn(loaded.config, "GET", "/moves?format=text", out, err);
}

}  // namespace poplar::cli
