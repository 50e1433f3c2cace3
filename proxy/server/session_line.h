#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/session/record.h"

namespace poplar::server {

// As RFC 3339 has it, without the offset, which is zero.
std::string UtcTime(int64_t unix_micros);

enum class LineFormat : uint8_t { kJson, kLogfmt };

// One structured log line: name-value pairs in the order given. Strings may hold a stranger's
// bytes: whatever isn't printable ASCII is escaped, so that a line stays one line and valid in its
// format.
class StructuredLine {
 public:
  StructuredLine(LineFormat format, int64_t unix_micros, std::string_view level,
                 std::string_view event);

  StructuredLine& Text(std::string_view name, std::string_view value);
  StructuredLine& Number(std::string_view name, uint64_t value);
  StructuredLine& Millis(std::string_view name, io::Duration value);
  StructuredLine& Flag(std::string_view name, bool value);

  std::string Take();

 private:
  void Name(std::string_view name);

  LineFormat format_;
  std::string line_;
};

// The one line of a session that ended.
std::string SessionLine(LineFormat format, int64_t unix_micros, const session::Record& record);

}  // namespace poplar::server
