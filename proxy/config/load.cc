#include "proxy/config/load.h"

#include <iterator>
#include <utility>

#include "proxy/config/check.h"
#include "proxy/config/read.h"

namespace poplar::config {
namespace {

void Append(Problems& to, Problems from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

LoadResult Load(const std::string& path, CertificateInspector& inspector, int64_t now) {
  LoadResult result;
  result.source.name = path;
  auto source = ReadSource(path);
  if (!source) {
    result.problems.push_back(std::move(source.error()));
    return result;
  }
  result.source = std::move(*source);
  ReadResult read = Read(result.source);
  result.config = std::move(read.config);
  result.problems = std::move(read.problems);
  if (!read.complete) return result;
  Append(result.problems, CheckMeaning(result.config, read.positions));
  Append(result.problems, CheckFiles(result.config, read.positions, inspector, now));
  return result;
}

}  // namespace poplar::config
