#include "bench/generator/message_journal.h"

#include <cerrno>
#include <cstring>

namespace poplar::bench {

std::unique_ptr<MessageJournal> MessageJournal::Create(const std::string& path, Time begin) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) {
    std::fprintf(stderr, "poplar_generator: cannot write %s: %s\n", path.c_str(),
                 std::strerror(errno));
    return nullptr;
  }
  return std::unique_ptr<MessageJournal>(new MessageJournal(file, begin));
}

void MessageJournal::Came(Time when, std::chrono::nanoseconds took) {
  std::fprintf(file_.get(), "%.3f %.3f\n", Seconds(when),
               std::chrono::duration<double, std::milli>(took).count());
}

void MessageJournal::Lost(Time when) { std::fprintf(file_.get(), "%.3f lost\n", Seconds(when)); }

}  // namespace poplar::bench
