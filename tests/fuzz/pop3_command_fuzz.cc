#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "proxy/pop3/command.h"
#include "proxy/pop3/line_reader.h"
#include "proxy/pop3/xclient.h"
#include "tests/unit/proxy/pop3/naive_framing.h"

// A client's bytes, split as the first byte says, through LineReader and ParseCommand. Lines must
// be those of the naive reader, commands must be cut out of their line without a byte lost.
namespace {

using poplar::pop3::Command;
using poplar::pop3::LineReader;
using poplar::pop3::Verb;

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckCommand(std::string_view line) {
  const Command command = poplar::pop3::ParseCommand(line);
  Require(!poplar::pop3::VerbName(command.verb).empty());
  if (command.verb == Verb::kMalformed) {
    Require(command.keyword.empty() && command.argument.empty() && !command.has_argument);
    return;
  }
  Require(line.find_first_of(std::string_view("\0\r\n", 3)) == line.npos);
  Require(command.keyword.data() == line.data());
  if (line.size() == command.keyword.size()) {
    Require(!command.has_argument && command.argument.empty());
    return;
  }
  const std::string_view behind = line.substr(command.keyword.size() + 1);
  Require(behind.starts_with(command.argument));
  const std::string_view cut = behind.substr(command.argument.size());
  Require(cut.find_first_not_of(" \t") == cut.npos);
  if (command.verb == Verb::kPass) Require(cut.empty() && command.has_argument);
  if (const auto xclient = poplar::pop3::ParseXclient(command.argument)) {
    Require(xclient->address.size() <= 45 && xclient->local_address.size() <= 45);
  }
}

void Drain(LineReader* reader, std::vector<std::string>* lines) {
  std::string_view line;
  for (;;) {
    const LineReader::Event event = reader->Next(&line);
    if (event == LineReader::Event::kNeedMore) return;
    if (event == LineReader::Event::kLine) CheckCommand(line);
    lines->emplace_back(event == LineReader::Event::kLine ? line : "<too long>");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t piece_bytes = 1 + data[0] % 64;
  const size_t max_bytes = 2 + data[1] % 62;
  const std::string stream(data + 2, data + size);

  LineReader reader(max_bytes);
  std::vector<std::string> lines;
  for (size_t at = 0; at < stream.size(); at += piece_bytes) {
    const std::string piece = stream.substr(at, piece_bytes);
    reader.Feed(piece);
    Drain(&reader, &lines);
  }
  Require(lines == poplar::pop3::naive::Lines(stream, max_bytes));
  Require(reader.mid_line() == (!stream.empty() && stream.back() != '\n'));
  CheckCommand(stream);
  return 0;
}
