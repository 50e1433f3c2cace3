#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/pop3/limits.h"
#include "proxy/pop3/transcript.h"

// A dialogue of two who say anything, with a client's logins in it: the first byte says where it
// begins, the second in which pieces it comes, then each line is what one side says. Whatever comes
// between, the secret of the logins is in no line; lines are short and printable; and they don't
// depend on how the bytes were cut.
namespace {

using namespace poplar::pop3;  // NOLINT(google-build-using-namespace): all of it is under test

constexpr std::string_view kSecret = "h7nter2-secret";

void Require(bool holds) {
  if (!holds) std::abort();
}

struct Said {
  bool by_client;
  std::string bytes;
};

std::string Login(char way) {
  const std::string secret(kSecret);
  switch (way) {
    case 'p':
      return "PASS " + secret;
    case 'a':
      return "AUTH PLAIN " + secret;
    case 'm':
      return "AUTH " + secret;
    case 'o':
      return "APOP alice " + secret;
    case 'x':
      return "XCLIENT ADDR=192.0.2.1 FORWARD=" + secret;
    default:  // in an AUTH, or where none is
      return secret;
  }
}

std::vector<Said> Read(std::string_view rest) {
  std::vector<Said> dialogue;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string line(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) continue;
    if (line[0] == 's') {
      dialogue.push_back({false, line.substr(1) + "\r\n"});
    } else if (line[0] == 'S') {
      dialogue.push_back({false, line.substr(1)});
    } else if (line[0] == 'c') {
      dialogue.push_back({true, line.substr(1) + "\r\n"});
    } else {
      dialogue.push_back({true, Login(line[0]) + "\r\n"});
    }
  }
  return dialogue;
}

std::vector<std::string> Transcribe(Transcript::Start start, const std::vector<Said>& dialogue,
                                    size_t piece) {
  std::vector<std::string> lines;
  Transcript transcript(start, [&lines](std::string_view line) { lines.emplace_back(line); });
  for (const Said& said : dialogue) {
    for (std::string_view rest = said.bytes; !rest.empty();) {
      const std::string part(rest.substr(0, piece));
      rest.remove_prefix(part.size());
      said.by_client ? transcript.FromClient(part) : transcript.FromServer(part);
    }
  }
  transcript.End();
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  // What is said in the open isn't secret.
  constexpr size_t kBeginning = 6;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.find(kSecret.substr(0, kBeginning)) != input.npos) return 0;
  const auto start = static_cast<Transcript::Start>(data[0] % 4);
  const auto dialogue = Read(input.substr(2));
  const auto lines = Transcribe(start, dialogue, std::string::npos);
  for (const std::string& line : lines) {
    Require(line.find(kSecret) == line.npos);
    Require(line.size() <= 4 * kTranscriptLineBytesMax + 64);
    Require(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; }));
  }
  Require(Transcribe(start, dialogue, 1 + data[1]) == lines);
  return 0;
}
