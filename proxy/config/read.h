#pragma once

#include "proxy/config/config.h"
#include "proxy/config/positions.h"
#include "proxy/config/problem.h"
#include "proxy/config/references.h"
#include "proxy/config/source.h"

namespace poplar::config {

struct ReadResult {
  Config config;      // with defaults where the file says nothing or something wrong
  Problems problems;  // every mistake of form: syntax, unknown, duplicate and missing keys, types,
                      // units, bounds
  Positions positions;
  ResolvedReferences references;
  // False when the file's text could not be taken apart to its end: the rest is not worth judging.
  bool complete = true;
};

// Never throws. What the settings mean together is Check's business (check.h). Values that stand
// elsewhere come from `references`, without it from this process's files and environment; no
// problem quotes one.
ReadResult Read(const Source& source);
ReadResult Read(const Source& source, ReferenceSource& references);

}  // namespace poplar::config
