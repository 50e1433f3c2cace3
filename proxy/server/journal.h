#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace poplar::server {

// systemd's journal, where a line is a set of fields. The error is one line for a person.
tl::expected<void, std::string> FindJournal();

// `fields`: "NAME=value" each, with a line feed behind it, as StructuredLine writes them; at most
// kJournalFieldsMax, what is beyond is left out. False: the journal didn't take it. Any thread.
inline constexpr size_t kJournalFieldsMax = 80;
bool SendToJournal(std::string_view fields);

}  // namespace poplar::server
