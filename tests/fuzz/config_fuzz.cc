#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "proxy/config/check.h"
#include "proxy/config/print.h"
#include "proxy/config/read.h"
#include "proxy/config/report.h"

namespace {

// Whatever is asked for is there, and nothing of this machine is looked at.
class Anything final : public poplar::config::ReferenceSource {
 public:
  Value File(const std::string& path) override {
    if (path.size() % 3 == 0) return tl::unexpected(std::string("cannot be read"));
    return "${" + path + ": [1s\n";
  }
  Value Variable(const std::string& name) override { return name; }
};

}  // namespace

// Any bytes as a configuration file: reading, checking and reporting never crash or throw; what
// reads without errors prints as a file that reads back the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace config = poplar::config;
  const config::Source source = {"poplar.yaml", std::string(data, data + size)};
  Anything anything;
  config::ReadResult read = config::Read(source, anything);
  if (!read.complete && !config::HasErrors(read.problems)) std::abort();
  const config::Problems meaning = config::CheckMeaning(read.config, read.positions);
  const bool is_readable = !config::HasErrors(read.problems);
  read.problems.insert(read.problems.end(), meaning.begin(), meaning.end());
  std::ostringstream report;
  config::RenderReport(read.problems, source, config::Color::kNever, report);
  if (is_readable) {
    const config::ReadResult again =
        config::Read({"poplar.yaml", config::Print(read.config)}, anything);
    if (config::HasErrors(again.problems) || !(again.config == read.config)) std::abort();
  }
  return 0;
}
