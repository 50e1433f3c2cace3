#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "proxy/pop3/maildrop_view.h"

// MaildropView once more, as plainly as it can be said: the oracle of its tests.
namespace poplar::pop3::naive {

using Ids = std::vector<uint64_t>;

inline bool Unique(const Ids& ids) {
  return std::set<uint64_t>(ids.begin(), ids.end()).size() == ids.size();
}

// What the client was told.
struct Told {
  Ids listed;
  bool whole = false;
  std::optional<uint32_t> count;
};

// The client's view after Refit(fresh). nullopt in `ids`: a message that is known to have been, and
// of which nothing else is known.
struct Maildrop {
  std::vector<std::optional<uint64_t>> ids;
  Ids fresh;
  std::set<uint32_t> marks;
  MaildropView::Fit fit = MaildropView::Fit::kDifferent;

  uint32_t AtNode(uint32_t own) const {
    if (own == 0 || own > ids.size() || !ids[own - 1]) return 0;
    if (fit == MaildropView::Fit::kSame) return own;
    const auto found = std::find(fresh.begin(), fresh.end(), *ids[own - 1]);
    return found == fresh.end() ? 0 : static_cast<uint32_t>(found - fresh.begin()) + 1;
  }
  uint32_t OwnOf(uint32_t at_node) const {
    for (uint32_t own = 1; own <= ids.size(); ++own) {
      if (at_node != 0 && AtNode(own) == at_node) return own;
    }
    return 0;
  }
  std::vector<uint32_t> MarksAtNode() const {
    std::vector<uint32_t> numbers;
    for (uint32_t n = 1; n <= fresh.size(); ++n) {
      if (marks.contains(OwnOf(n))) numbers.push_back(n);
    }
    return numbers;
  }
  uint32_t Vanished() const {
    uint32_t vanished = 0;
    for (uint32_t own = 1; own <= ids.size(); ++own) vanished += AtNode(own) == 0 ? 1 : 0;
    return vanished;
  }
};

// The first one, of a client that was told `told`.
inline Maildrop Adopt(const Told& told, const Ids& fresh) {
  Maildrop maildrop;
  if (told.whole) {
    maildrop.ids.assign(told.listed.begin(), told.listed.end());
    return maildrop;
  }
  maildrop.ids.assign(fresh.begin(), fresh.end());
  if (told.count) maildrop.ids.resize(std::max<size_t>(*told.count, told.listed.size()));
  return maildrop;
}

// Each later one.
inline MaildropView::Fit FitOf(const Maildrop& maildrop, const Ids& fresh) {
  Ids known;
  for (const auto& id : maildrop.ids) {
    if (id) known.push_back(*id);
  }
  if (known == fresh && known.size() == maildrop.ids.size()) return MaildropView::Fit::kSame;
  return Unique(known) && Unique(fresh) ? MaildropView::Fit::kMapped
                                        : MaildropView::Fit::kDifferent;
}

inline Maildrop Refit(const Told& told, const std::set<uint32_t>& marks, const Ids& fresh) {
  Maildrop maildrop = Adopt(told, fresh);
  maildrop.fresh = fresh;
  maildrop.marks = marks;
  const bool prefix = told.listed.size() <= fresh.size() &&
                      std::equal(told.listed.begin(), told.listed.end(), fresh.begin());
  if (!told.whole && !prefix) return maildrop;
  if (!marks.empty() && *marks.rbegin() > told.listed.size()) return maildrop;
  maildrop.fit = FitOf(maildrop, fresh);
  return maildrop;
}

}  // namespace poplar::pop3::naive
