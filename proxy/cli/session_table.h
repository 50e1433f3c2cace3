#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/session_view.h"
#include "metrics/text_table.h"

namespace poplar::cli {

// The target that asks for them.
std::string SessionsTarget(const metrics::SessionQuery& query);

// The answer; nothing: it is none. The views' states are not set.
struct ListedSession : metrics::SessionView {
  std::string doing;  // its state
};
struct ListedSessions {
  uint64_t total = 0;
  std::vector<ListedSession> sessions;
};
std::optional<ListedSessions> ReadSessions(std::string_view json);

// With heads.
std::vector<metrics::TableRow> SessionRows(const ListedSessions& listed);

// "45s", "12m30s", "3h05m", "2d4h": two figures at most.
std::string AgeText(double seconds);
// "999 B", "1.2 MB".
std::string BytesText(double bytes);

}  // namespace poplar::cli
