#include <benchmark/benchmark.h>

#include <array>
#include <string_view>

#include "proxy/pop3/command.h"

namespace poplar::bench {
namespace {

// What a client says that polls: the lines of one session.
constexpr std::array<std::string_view, 8> kSession = {
    "CAPA", "USER anna@example.org", "PASS a secret with blanks", "STAT", "UIDL", "LIST", "RETR 12",
    "QUIT"};

void ParseSession(benchmark::State& state) {
  for (auto each : state) {
    for (const std::string_view line : kSession) {
      pop3::Command command = pop3::ParseCommand(line);
      benchmark::DoNotOptimize(command);
      benchmark::DoNotOptimize(pop3::ExpectsMultiLine(command));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kSession.size()));
}
BENCHMARK(ParseSession)->Iterations(100'000);

}  // namespace
}  // namespace poplar::bench
