#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "proxy/io/buffer.h"
#include "proxy/pop3/reply_framer.h"

namespace poplar::bench {
namespace {

// A message of lines of 76 bytes, as base64 and most text have them, dot-stuffing included.
std::string Message(size_t bytes) {
  std::string text = "+OK message follows\r\n";
  while (text.size() < bytes) {
    if (text.size() % 10 == 0) text += "..";
    text.append(76, static_cast<char>('a' + text.size() % 26)).append("\r\n");
  }
  return text + ".\r\n";
}

// As it comes: in pieces of what one receive brings.
void FrameMessage(benchmark::State& state) {
  const std::string message = Message(static_cast<size_t>(state.range(0)));
  for (auto each : state) {
    pop3::ReplyFramer framer;
    framer.Expect(true);
    std::string_view rest = message;
    while (!rest.empty()) {
      const size_t piece = std::min(rest.size(), io::kReceiveBytesMax);
      benchmark::DoNotOptimize(framer.Feed(rest.substr(0, piece)));
      rest.remove_prefix(piece);
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(message.size()));
}
BENCHMARK(FrameMessage)->Arg(76'800)->Iterations(2'000);

void FrameShortReplies(benchmark::State& state) {
  constexpr std::string_view kReply = "+OK 3 12288\r\n";
  pop3::ReplyFramer framer;
  for (auto each : state) {
    framer.Expect(false);
    benchmark::DoNotOptimize(framer.Feed(kReply));
  }
}
BENCHMARK(FrameShortReplies)->Iterations(1'000'000);

}  // namespace
}  // namespace poplar::bench
