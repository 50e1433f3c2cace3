#pragma once

#include <chrono>
#include <string>

#include "proxy/config/field.h"

namespace poplar::config {

// Transcripts of single users', clients' or nodes' dialogues, turned on while all runs.
struct TraceConfig {
  std::string directory;
  Size file_bytes_max = MiB(10);
  Duration duration_max = std::chrono::hours(1);
  int at_once_max = 4;

  bool operator==(const TraceConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, TraceConfig& c) {
  v.Path(
      "directory", c.directory,
      {.help = "Where the files of `poplar trace` go, a folder that exists; each is readable for "
               "Poplar's user alone, and nobody but you deletes it. Passwords, tokens and "
               "messages are not in them; names, addresses and sizes are. Empty: nothing can be "
               "traced.",
       .watched = false});
  v.Bytes("file_bytes_max", c.file_bytes_max, {KiB(16), GiB(10)},
          {.help = "A trace whose file gets so large ends."});
  v.Time("duration_max", c.duration_max, {std::chrono::seconds(1), std::chrono::hours(168)},
         {.help = "The longest time that one may be turned on for."});
  v.Integer("at_once_max", c.at_once_max, {1, 100}, {.help = "How many may be on at once."});
}

}  // namespace poplar::config
