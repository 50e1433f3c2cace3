#include "tests/simulation/event_log.h"

#include <algorithm>
#include <bit>
#include <cinttypes>
#include <utility>

namespace poplar::simulation {

int EventLog::AddActor(std::string_view name) {
  actors_.emplace_back(name);
  return static_cast<int>(actors_.size()) - 1;
}

void EventLog::Add(io::Time now, int actor, const char* what, int64_t socket, int64_t amount) {
  Line& line = NextLine(now, actor);
  line.what = what;
  line.socket = socket;
  line.amount = amount;
  Mix(static_cast<uint64_t>(socket));
  Mix(static_cast<uint64_t>(amount));
}

void EventLog::Note(io::Time now, int actor, std::string text) {
  for (const char c : text) Mix(static_cast<uint8_t>(c));
  Line& line = NextLine(now, actor);
  line.what = nullptr;
  line.note = std::move(text);
}

EventLog::Line& EventLog::NextLine(io::Time now, int actor) {
  Mix(static_cast<uint64_t>((now - start_).count()));
  Mix(static_cast<uint64_t>(actor));
  Line& line = lines_[count_++ % kLines];
  line.time = now;
  line.actor = actor;
  return line;
}

void EventLog::Mix(uint64_t value) {
  digest_ = (std::rotl(digest_, 23) ^ value) * 0x9e3779b97f4a7c15;
}

void EventLog::Print(std::FILE* out) const {
  const uint64_t first = count_ - std::min<uint64_t>(count_, kLines);
  if (first > 0) std::fprintf(out, "  ... %" PRIu64 " earlier lines\n", first);
  for (uint64_t i = first; i < count_; ++i) {
    const Line& line = lines_[i % kLines];
    const double ms = io::Seconds(line.time - start_) * 1000;
    std::fprintf(out, "  %14.6f ms  %-12s ", ms, actors_[static_cast<size_t>(line.actor)].c_str());
    if (line.what == nullptr) {
      std::fprintf(out, "%s\n", line.note.c_str());
      continue;
    }
    std::fputs(line.what, out);
    if (line.socket >= 0) std::fprintf(out, " #%" PRId64, line.socket);
    if (line.amount != kNone) std::fprintf(out, ": %" PRId64, line.amount);
    std::fputc('\n', out);
  }
}

}  // namespace poplar::simulation
