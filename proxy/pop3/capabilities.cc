#include "proxy/pop3/capabilities.h"

#include <algorithm>
#include <array>

#include "proxy/pop3/ascii.h"
#include "proxy/pop3/limits.h"

namespace poplar::pop3 {
namespace {

constexpr std::string_view kUserLine = "USER";
constexpr std::string_view kImplementationLine = "IMPLEMENTATION Poplar";
// What a node must have before it is promised: the proxy itself can do all of it.
constexpr std::array<std::string_view, 5> kNodesLines = {"TOP", "UIDL", "PIPELINING", "RESP-CODES",
                                                         "AUTH-RESP-CODE"};
// Promised only where the nodes do, in their words.
constexpr std::array<std::string_view, 4> kNodesOwnLines = {"EXPIRE", "LOGIN-DELAY", "UTF8",
                                                            "LANG"};
static_assert(kImplementationLine.size() < kCapaLineBytesMax);
static_assert(std::all_of(kNodesLines.begin(), kNodesLines.end(),
                          [](std::string_view line) { return line.size() < kCapaLineBytesMax; }));

constexpr std::array<std::string_view, 3> kStopsHere = {"STLS", "SASL", "XCLIENT"};

// Cuts one line off the front of `text`, its CRLF included (the last one may lack it).
std::string_view TakeLine(std::string_view* text) {
  const size_t end = text->find("\r\n");
  const std::string_view line = text->substr(0, end == text->npos ? text->size() : end + 2);
  text->remove_prefix(line.size());
  return line;
}

// Less strict than RFC 2449 about what is around the keyword: fetchmail, for one, looks for STLS
// anywhere.
std::string_view KeywordOf(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const auto end = std::find_if_not(
      line.begin(), line.end(), [](char c) { return IsLetterOrDigit(c) || c == '-' || c == '_'; });
  return line.substr(0, static_cast<size_t>(end - line.begin()));
}

std::string_view Trimmed(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t begin = line.find_first_not_of(kBlank);
  if (begin == line.npos) return {};
  return line.substr(begin, line.find_last_not_of(kBlank) - begin + 1);
}

bool HasLine(std::string_view lines, std::string_view line) {
  while (!lines.empty()) {
    if (EqualsIgnoringCase(Trimmed(TakeLine(&lines)), line)) return true;
  }
  return false;
}

bool IsRemoved(const CapabilityEdits* edits, std::string_view keyword) {
  return edits != nullptr && std::any_of(edits->removed.begin(), edits->removed.end(),
                                         [keyword](std::string_view removed) {
                                           return EqualsIgnoringCase(removed, keyword);
                                         });
}

// As many as the line has room for; the most useful ones come first.
std::string SaslLine(MechanismSet mechanisms) {
  std::string line = "SASL";
  for (size_t i = 0; i < kMechanismCount; ++i) {
    const auto mechanism = static_cast<Mechanism>(i);
    if (!mechanisms.Has(mechanism)) continue;
    if (line.size() + 1 + Name(mechanism).size() >= kCapaLineBytesMax) continue;
    line.append(" ").append(Name(mechanism));
  }
  return line;
}

}  // namespace

Capabilities::Capabilities(std::string_view reply) {
  // Cut at a line's end, or half a keyword would pass for another.
  if (reply.size() > kCapaReplyBytesMax) {
    reply = reply.substr(0, kCapaReplyBytesMax);
    const size_t end = reply.rfind("\r\n");
    reply = reply.substr(0, end == reply.npos ? 0 : end + 2);
  }
  lines_ = reply;
}

std::string_view Capabilities::Line(std::string_view keyword) const {
  std::string_view rest = keyword.empty() ? std::string_view() : lines_;
  while (!rest.empty()) {
    const std::string_view line = TakeLine(&rest);
    if (EqualsIgnoringCase(KeywordOf(line), keyword)) return Trimmed(line);
  }
  return {};
}

bool Capabilities::OffersMechanism(std::string_view name) const {
  std::string_view rest = lines_;
  while (!rest.empty()) {
    std::string_view line = Trimmed(TakeLine(&rest));
    if (!EqualsIgnoringCase(KeywordOf(line), "SASL")) continue;
    while (!line.empty()) {
      const size_t end = std::min(line.find_first_of(" \t"), line.size());
      line.remove_prefix(std::min(line.find_first_not_of(" \t", end), line.size()));
      const std::string_view word = line.substr(0, line.find_first_of(" \t"));
      if (!word.empty() && EqualsIgnoringCase(word, name)) return true;
    }
  }
  return false;
}

Capabilities Common(const Capabilities& a, const Capabilities& b) {
  Capabilities both;
  std::string_view rest = a.lines_;
  while (!rest.empty()) {
    const std::string_view line = Trimmed(TakeLine(&rest));
    // Not the status line, whatever it says, nor the terminator.
    if (KeywordOf(line).empty() || !HasLine(b.lines_, line)) continue;
    both.lines_.append(line).append("\r\n");
  }
  return both;
}

Capabilities WithoutCapa() { return Capabilities("TOP\r\nUIDL\r\n"); }

bool Offer::NodesHave(std::string_view keyword) const {
  return nodes != nullptr && nodes->Has(keyword) && !IsRemoved(edits, keyword);
}

std::string RenderBeforeLogin(const Offer& offer) {
  std::string reply = "+OK Capability list follows\r\n";
  const auto append = [&](std::string_view line) {
    if (!IsRemoved(offer.edits, KeywordOf(line))) reply.append(line).append("\r\n");
  };
  if (offer.stls) append("STLS");
  if (offer.user) append(kUserLine);
  if (!offer.mechanisms.empty()) append(SaslLine(offer.mechanisms));
  for (std::string_view line : kNodesLines) {
    if (offer.nodes == nullptr || offer.nodes->Has(line)) append(line);
  }
  for (std::string_view keyword : kNodesOwnLines) {
    if (offer.nodes == nullptr) break;
    const std::string_view line = offer.nodes->Line(keyword);
    if (!line.empty() && line.size() < kCapaLineBytesMax) append(line);
  }
  append(kImplementationLine);
  if (offer.edits != nullptr) {
    for (std::string_view line : offer.edits->added) reply.append(line).append("\r\n");
  }
  return reply.append(".\r\n");
}

std::string RenderMechanisms(MechanismSet mechanisms) {
  std::string reply = "+OK\r\n";
  for (size_t i = 0; i < kMechanismCount; ++i) {
    const auto mechanism = static_cast<Mechanism>(i);
    if (mechanisms.Has(mechanism)) reply.append(Name(mechanism)).append("\r\n");
  }
  return reply.append(".\r\n");
}

bool PassesAfterLogin(std::string_view capa_line) {
  const std::string_view keyword = KeywordOf(capa_line);
  return std::none_of(kStopsHere.begin(), kStopsHere.end(), [keyword](std::string_view stops) {
    return EqualsIgnoringCase(keyword, stops);
  });
}

std::string FilterAfterLogin(std::string_view whole_reply, const CapabilityEdits* edits) {
  std::string filtered;
  filtered.reserve(whole_reply.size());
  filtered.append(TakeLine(&whole_reply));
  while (!whole_reply.empty()) {
    const std::string_view line = TakeLine(&whole_reply);
    if (edits != nullptr && line == ".\r\n") {
      for (std::string_view added : edits->added) filtered.append(added).append("\r\n");
    }
    if (PassesAfterLogin(line) && !IsRemoved(edits, KeywordOf(line))) filtered.append(line);
  }
  return filtered;
}

}  // namespace poplar::pop3
