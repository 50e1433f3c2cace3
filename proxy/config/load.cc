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

// Fills in all but what the files have to say. False: the text is not worth judging further.
bool ReadAndJudge(Source source, ReferenceSource& references, LoadResult& result) {
  result.source = std::move(source);
  ReadResult read = Read(result.source, references);
  result.config = std::move(read.config);
  result.problems = std::move(read.problems);
  result.positions = std::move(read.positions);
  result.references = std::move(read.references);
  if (!read.complete) return false;
  Append(result.problems, CheckMeaning(result.config, result.positions));
  return true;
}

// As above.
bool ReadAndJudge(const std::string& path, ReferenceSource& references, LoadResult& result) {
  auto source = ReadSource(path);
  if (source) return ReadAndJudge(std::move(*source), references, result);
  result.source.name = path;
  result.problems.push_back(std::move(source.error()));
  return false;
}

}  // namespace

LoadResult Load(const std::string& path, CertificateInspector& inspector, int64_t now,
                NameInspector* names) {
  LoadResult result;
  SystemReferences references;
  if (ReadAndJudge(path, references, result)) {
    Append(result.problems, CheckFiles(result.config, result.positions, inspector, now));
    if (names != nullptr && result.ok())
      Append(result.problems, CheckHostNames(result.config, result.positions, *names));
  }
  MaskValues(result.references.values, result.problems);
  return result;
}

LoadResult LoadAgain(const Source& source, CertificateInspector& inspector, int64_t now) {
  LoadResult result;
  SystemReferences references;
  if (ReadAndJudge(source, references, result))
    Append(result.problems, CheckFiles(result.config, result.positions, inspector, now));
  MaskValues(result.references.values, result.problems);
  return result;
}

LoadResult LoadWithoutFiles(const std::string& path) {
  LoadResult result;
  ReachableReferences references;
  ReadAndJudge(path, references, result);
  MaskValues(result.references.values, result.problems);
  return result;
}

}  // namespace poplar::config
