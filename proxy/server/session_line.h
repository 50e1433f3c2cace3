#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/session/record.h"

namespace poplar::server {

// As RFC 3339 has it, without the offset, which is zero.
std::string UtcTime(int64_t unix_micros);

enum class LineFormat : uint8_t {
  kJson,
  kLogfmt,
  kJournal,  // systemd's fields, "NAME=value" and a line feed each
};

// One structured log line: name-value pairs in the order given. Strings may hold a stranger's
// bytes: whatever isn't printable ASCII is escaped, so that a line stays one line and valid in its
// format.
//
// In the journal each pair is a field, POPLAR_NODE and so on; MESSAGE is the pair of that name, or
// all of them as logfmt has them.
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
  void Put(std::string_view name, std::string_view value, bool quoted);
  void PutField(std::string_view name, std::string_view value);

  LineFormat format_;
  std::string line_;
  std::string fields_;   // of the journal
  std::string message_;  // likewise; empty: the line is it
};

// The one line of a session that ended.
std::string SessionLine(LineFormat format, int64_t unix_micros, const session::Record& record);

}  // namespace poplar::server
