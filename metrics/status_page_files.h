#pragma once

#include <span>
#include <string_view>

namespace poplar::metrics {

// A file of metrics/status_page/, which the build has put into the program.
struct StatusPageFile {
  std::string_view name;  // without its folder
  std::string_view bytes;
};

std::span<const StatusPageFile> StatusPageFiles();

}  // namespace poplar::metrics
