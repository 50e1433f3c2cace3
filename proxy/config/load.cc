#include "proxy/config/load.h"

#include <iterator>
#include <optional>
#include <utility>

#include "proxy/config/check.h"
#include "proxy/config/read.h"

namespace poplar::config {
namespace {

void Append(Problems& to, Problems from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

// Fills in all but what the files have to say. Nothing: the text is not worth judging further.
std::optional<Positions> ReadAndJudge(const std::string& path, LoadResult& result) {
  result.source.name = path;
  auto source = ReadSource(path);
  if (!source) {
    result.problems.push_back(std::move(source.error()));
    return std::nullopt;
  }
  result.source = std::move(*source);
  ReadResult read = Read(result.source);
  result.config = std::move(read.config);
  result.problems = std::move(read.problems);
  if (!read.complete) return std::nullopt;
  Append(result.problems, CheckMeaning(result.config, read.positions));
  return std::move(read.positions);
}

}  // namespace

LoadResult Load(const std::string& path, CertificateInspector& inspector, int64_t now,
                NameInspector* names) {
  LoadResult result;
  const auto positions = ReadAndJudge(path, result);
  if (!positions) return result;
  Append(result.problems, CheckFiles(result.config, *positions, inspector, now));
  if (names != nullptr && result.ok())
    Append(result.problems, CheckHostNames(result.config, *positions, *names));
  return result;
}

LoadResult LoadWithoutFiles(const std::string& path) {
  LoadResult result;
  ReadAndJudge(path, result);
  return result;
}

}  // namespace poplar::config
