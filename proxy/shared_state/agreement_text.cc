#include "proxy/shared_state/agreement_text.h"

#include <charconv>
#include <vector>

#include "proxy/shared_state/limits.h"

namespace poplar::shared_state {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// In the year 2096; in nanoseconds it still is a number.
constexpr int64_t kMomentMax = 4'000'000'000'000;

std::string_view TakeWord(std::string_view& rest, char end) {
  const size_t at = rest.find(end);
  const std::string_view word = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return word;
}

bool IsNodeName(std::string_view name) {
  return !name.empty() && name.size() <= kNodeNameBytesMax &&
         name.find('/') != std::string_view::npos;
}

std::optional<balancer::Agreement> ParseAgreement(std::string_view rest) {
  balancer::Agreement agreement;
  const std::string_view state = TakeWord(rest, ' ');
  const auto since = ParseMoment(TakeWord(rest, ' '));
  const auto changed = ParseMoment(TakeWord(rest, ' '));
  if ((state != "out" && state != "in") || !since || !changed) return std::nullopt;
  agreement = {.out = state == "out", .since = *since, .changed = *changed};
  if (agreement.out) agreement.doubted = ParseMoment(rest);
  return agreement;
}

}  // namespace

std::optional<balancer::Moment> ParseMoment(std::string_view text) {
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || at != end) return std::nullopt;
  if (number < 0 || number > kMomentMax) return std::nullopt;
  return milliseconds(number);
}

std::string RenderMoment(balancer::Moment moment) {
  return std::to_string(duration_cast<milliseconds>(moment).count());
}

std::string RenderAgreements(const Agreements& agreements) {
  std::string text;
  for (const auto& [node, agreement] : agreements) {
    text.append(node).append(agreement.out ? " out " : " in ");
    text.append(RenderMoment(agreement.since)).append(1, ' ');
    text.append(RenderMoment(agreement.changed)).append(1, ' ');
    text.append(agreement.doubted ? RenderMoment(*agreement.doubted) : "-").append(1, '\n');
  }
  return text;
}

Agreements ParseAgreements(std::string_view text) {
  Agreements agreements;
  while (!text.empty() && agreements.size() < kNodesMax) {
    std::string_view line = TakeWord(text, '\n');
    const std::string_view node = TakeWord(line, ' ');
    const auto agreement = ParseAgreement(line);
    if (IsNodeName(node) && agreement) agreements.insert_or_assign(std::string(node), *agreement);
  }
  return agreements;
}

std::string RenderAges(const Ages& ages) {
  std::string text;
  for (const auto& [node, age] : ages) {
    if (!text.empty()) text.append(1, ' ');
    text.append(node).append(1, ' ').append(RenderMoment(age));
  }
  return text;
}

std::optional<Votes> ParseVotes(std::string_view text) {
  if (!ParseMoment(TakeWord(text, ' '))) return std::nullopt;
  const auto said = ParseMoment(TakeWord(text, ' '));
  if (!said || text == kNoVotes) return std::nullopt;
  Votes votes;
  while (!text.empty() && votes.size() < kNodesMax) {
    const std::string_view node = TakeWord(text, ' ');
    const auto age = ParseMoment(TakeWord(text, ' '));
    if (IsNodeName(node) && age)
      votes.insert_or_assign(std::string(node), std::max(*said - *age, balancer::Moment::zero()));
  }
  return votes;
}

}  // namespace poplar::shared_state
