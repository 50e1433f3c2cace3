#pragma once

#include "proxy/config/config.h"
#include "proxy/config/positions.h"
#include "proxy/config/problem.h"
#include "proxy/config/source.h"

namespace poplar::config {

struct ReadResult {
  Config config;      // with defaults where the file says nothing or something wrong
  Problems problems;  // every mistake of form: syntax, unknown, duplicate and missing keys, types,
                      // units, bounds
  Positions positions;
  // False when the file's text could not be taken apart to its end: the rest is not worth judging.
  bool complete = true;
};

// Never throws. What the settings mean together is Check's business (check.h).
ReadResult Read(const Source& source);

}  // namespace poplar::config
