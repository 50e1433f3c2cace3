#pragma once

#include <cstddef>
#include <string>

#include "proxy/cli/top_sample.h"
#include "proxy/config/report.h"

namespace poplar::cli {

struct TopSize {
  size_t columns = 80;
  size_t rows = 24;  // 0: as many as it takes
};

// The picture that `poplar top` shows: lines with their ends, none longer and no more than fit.
// Rates and quantiles are of what has happened since `before`.
std::string TopPicture(const TopSample& before, const TopSample& now, const std::string& address,
                       const TopSize& size, config::Color color);

// The first so many columns of a line of UTF-8; a character is taken for one column.
std::string_view FirstColumns(std::string_view line, size_t columns);

}  // namespace poplar::cli
