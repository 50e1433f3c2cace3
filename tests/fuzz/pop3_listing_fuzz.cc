#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "proxy/pop3/listing_filter.h"
#include "proxy/pop3/maildrop_view.h"
#include "proxy/pop3/uidl_reader.h"

// Two answers to UIDL, the client's and a fresh one, parted by a byte 255, through UidlReader,
// MaildropView and ListingFilter; whatever they make of them must hold together. The first byte
// says how the answers are split, the second what the client was told, and whether the bytes are
// the answers themselves or one unique id each. The third marks messages.
namespace {

using poplar::pop3::ListingFilter;
using poplar::pop3::MaildropView;
using poplar::pop3::UidlReader;
using Fit = MaildropView::Fit;

void Require(bool holds) {
  if (!holds) std::abort();
}

std::string AnswerOf(std::string_view ids) {
  std::string answer = "+OK\r\n";
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto id = static_cast<unsigned char>(ids[i]);
    answer += std::to_string(i + 1) + " " + std::to_string(id) + "\r\n";
  }
  return answer + ".\r\n";
}

UidlReader Read(std::string_view answer, size_t piece_bytes) {
  UidlReader reader(1);
  for (size_t at = 0; at < answer.size(); at += piece_bytes) {
    reader.Feed(std::string(answer.substr(at, piece_bytes)));
  }
  return reader;
}

UidlReader ReadBothWays(std::string_view answer, size_t piece_bytes) {
  UidlReader whole = Read(answer, answer.size() + 1);
  const UidlReader split = Read(answer, piece_bytes);
  Require(whole.valid() == split.valid());
  Require(whole.whole() == split.whole());
  Require(whole.hashes() == split.hashes());
  return whole;
}

struct Filtered {
  bool listing = true;
  std::string text;
  uint32_t count = 0;
  uint64_t octets = 0;
  bool operator==(const Filtered&) const = default;
};

Filtered Filter(const MaildropView& view, std::string_view answer, size_t piece_bytes) {
  ListingFilter filter(view);
  Filtered filtered;
  for (size_t at = 0; at < answer.size() && filtered.listing; at += piece_bytes) {
    filtered.listing = filter.Feed(std::string(answer.substr(at, piece_bytes)), &filtered.text);
  }
  filtered.count = filter.count();
  filtered.octets = filter.octets();
  return filtered;
}

// What comes out is a listing, as long as it says, of numbers that the client knows.
void CheckFiltered(const MaildropView& view, std::string_view answer, size_t piece_bytes) {
  const Filtered filtered = Filter(view, answer, answer.size() + 1);
  Require(filtered == Filter(view, answer, piece_bytes));
  std::string_view rest = filtered.text;
  for (uint32_t line = 0; !rest.empty(); ++line) {
    const size_t end = rest.find("\r\n");
    Require(end != rest.npos && rest.find('\n') == end + 1);
    const std::string text(rest.substr(0, end));
    rest.remove_prefix(end + 2);
    if (line == 0) {
      Require(text == "+OK");
    } else if (text == ".") {
      Require(rest.empty() && line == filtered.count + 1);
    } else {
      Require(line <= filtered.count);
      const unsigned long own = std::strtoul(text.c_str(), nullptr, 10);
      Require(own > 0 && view.AtNode(static_cast<uint32_t>(own)) != 0);
    }
  }
}

// Both numberings are each other's inverse.
void CheckNumbers(const MaildropView& view, const std::vector<uint64_t>& fresh) {
  uint32_t found = 0;
  std::set<uint32_t> marks_at_node;
  for (uint32_t own = 1; own <= std::min<uint32_t>(view.size(), 5000); ++own) {
    const uint32_t at_node = view.AtNode(own);
    if (at_node == 0) continue;
    ++found;
    Require(at_node <= fresh.size());
    Require(view.OwnOf(at_node) == own);
    if (view.marked(own)) marks_at_node.insert(at_node);
  }
  if (view.size() <= 5000) Require(found + view.vanished() == view.size());
  for (uint32_t n = 1; n <= fresh.size(); ++n) {
    if (const uint32_t own = view.OwnOf(n)) Require(view.AtNode(own) == n);
  }
  const std::vector<uint32_t> marks = view.MarksAtNode();
  Require(std::equal(marks.begin(), marks.end(), marks_at_node.begin(), marks_at_node.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const size_t piece_bytes = 1 + data[0] % 80;
  const uint8_t told = data[1];
  std::string first(data + 3, data + size);
  std::string second;
  if (const size_t parting = first.find('\xff'); parting != first.npos) {
    second = first.substr(parting + 1);
    first.resize(parting);
  }
  if ((told & 1) != 0) {
    first = AnswerOf(first);
    second = AnswerOf(second);
  }

  UidlReader client = ReadBothWays(first, piece_bytes);
  MaildropView view;
  CheckFiltered(view, first, piece_bytes);
  if ((told & 2) != 0) view.LearnCount(data[1] / 16);
  const bool whole = client.whole() && (told & 4) == 0;
  const std::vector<uint64_t> hashes = client.Take();
  if (client.valid()) view.Learn(hashes, whole);
  for (uint32_t mark = 1; mark <= 8; ++mark) {
    if ((data[2] >> (mark - 1) & 1) != 0) view.Mark(mark);
  }

  const UidlReader fresh = ReadBothWays(second, piece_bytes);
  if (!fresh.valid()) return 0;
  const Fit fit = view.Refit(fresh.hashes());
  if (view.known() && whole && hashes == fresh.hashes()) {
    Require((fit == Fit::kSame) == (data[2] < 1u << std::min<size_t>(hashes.size(), 8)));
  }
  if (fit == Fit::kDifferent) return 0;
  Require(view.mapped() == (fit == Fit::kMapped));
  CheckNumbers(view, fresh.hashes());
  CheckFiltered(view, second, piece_bytes);
  CheckFiltered(view, first, piece_bytes);
  Require(view.Refit(fresh.hashes()) == fit);
  return 0;
}
