#pragma once

#include <ostream>

#include "proxy/config/problem.h"
#include "proxy/config/source.h"

namespace poplar::config {

enum class Color { kNever, kAlways };

// Colour on a terminal, unless NO_COLOR is set (no-color.org).
Color ColorFor(int file_descriptor);

// Each problem with its place, source line and caret, in the file's order, and last "N errors, M
// warnings".
void RenderReport(const Problems& problems, const Source& source, Color color, std::ostream& out);

}  // namespace poplar::config
