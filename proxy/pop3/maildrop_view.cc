#include "proxy/pop3/maildrop_view.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

#include "proxy/pop3/limits.h"

namespace poplar::pop3 {
namespace {

constexpr uint32_t kWordBits = 64;

// Finds the number of a hash in a listing: open addressing, at most half full, 4 bytes a slot. The
// hashes are keyed (UidlReader), so their low bits serve as they are.
class NumberOfHash {
 public:
  explicit NumberOfHash(const std::vector<uint64_t>& listing)
      : listing_(listing), slots_(std::bit_ceil(2 * listing.size() + 1)) {
    for (uint32_t number = 1; number <= listing.size(); ++number) {
      uint32_t& slot = SlotOf(listing[number - 1]);
      unique_ = unique_ && slot == 0;
      slot = number;
    }
  }

  bool unique() const { return unique_; }
  uint32_t Find(uint64_t hash) { return SlotOf(hash); }

 private:
  uint32_t& SlotOf(uint64_t hash) {
    const size_t mask = slots_.size() - 1;
    size_t at = hash & mask;
    while (slots_[at] != 0 && listing_[slots_[at] - 1] != hash) at = (at + 1) & mask;
    return slots_[at];
  }

  const std::vector<uint64_t>& listing_;
  std::vector<uint32_t> slots_;  // numbers; 0: free
  bool unique_ = true;
};

}  // namespace

// Number n is at n - 1; 0: none.
struct MaildropView::Mapping {
  std::vector<uint32_t> at_node;
  std::vector<uint32_t> own;
  uint32_t vanished = 0;

  // Of the first `known` messages of a view of `size`; nothing when ids aren't unique.
  static std::unique_ptr<Mapping> Between(const std::vector<uint64_t>& view, size_t known,
                                          uint32_t size, const std::vector<uint64_t>& fresh);
};

std::unique_ptr<MaildropView::Mapping> MaildropView::Mapping::Between(
    const std::vector<uint64_t>& view, size_t known, uint32_t size,
    const std::vector<uint64_t>& fresh) {
  NumberOfHash numbers(fresh);
  if (!numbers.unique()) return nullptr;

  auto mapping = std::make_unique<Mapping>();
  mapping->at_node.resize(known);
  mapping->own.resize(fresh.size());
  std::vector<uint64_t> vanished;
  for (uint32_t own = 1; own <= known; ++own) {
    const uint32_t at_node = numbers.Find(view[own - 1]);
    mapping->at_node[own - 1] = at_node;
    if (at_node == 0) {
      vanished.push_back(view[own - 1]);
    } else if (std::exchange(mapping->own[at_node - 1], own) != 0) {
      return nullptr;
    }
  }
  std::sort(vanished.begin(), vanished.end());
  if (std::adjacent_find(vanished.begin(), vanished.end()) != vanished.end()) return nullptr;
  mapping->vanished = static_cast<uint32_t>(vanished.size() + (size - known));
  return mapping;
}

MaildropView::MaildropView() = default;
MaildropView::~MaildropView() = default;
MaildropView::MaildropView(MaildropView&&) noexcept = default;
MaildropView& MaildropView::operator=(MaildropView&&) noexcept = default;

void MaildropView::Learn(std::vector<uint64_t> hashes, bool whole) {
  assert(hashes.size() <= kViewMessagesMax);
  if (known_) return;
  hashes_ = std::move(hashes);
  known_ = whole && marks_ == 0;
  if (known_) size_ = static_cast<uint32_t>(hashes_.size());
}

void MaildropView::LearnCount(uint32_t count) {
  if (!told_count_ && marks_ == 0) told_count_ = count;
}

bool MaildropView::empty() const {
  return !known_ && hashes_.empty() && !told_count_ && marks_ == 0;
}

void MaildropView::Mark(uint32_t own) {
  if (own == 0 || own > kViewMessagesMax) {
    mark_not_kept_ = true;
    ++marks_;
    return;
  }
  const uint32_t word = (own - 1) / kWordBits;
  const uint64_t bit = uint64_t{1} << ((own - 1) % kWordBits);
  if (word >= marked_.size()) marked_.resize(word + 1);
  marks_ += (marked_[word] & bit) == 0 ? 1 : 0;
  marked_[word] |= bit;
}

void MaildropView::UnmarkAll() {
  marked_.clear();
  marks_ = 0;
  mark_not_kept_ = false;
}

bool MaildropView::marked(uint32_t own) const {
  if (own == 0 || (own - 1) / kWordBits >= marked_.size()) return false;
  return (marked_[(own - 1) / kWordBits] >> ((own - 1) % kWordBits) & 1) != 0;
}

MaildropView::Fit MaildropView::Refit(const std::vector<uint64_t>& fresh) {
  if (fresh.size() > kViewMessagesMax) return Fit::kDifferent;
  if (!known_ && !MayAdopt(fresh)) return Fit::kDifferent;
  if (!AllMarksKnown(hashes_.size())) return Fit::kDifferent;

  const std::vector<uint64_t>& view = known_ ? hashes_ : fresh;
  uint32_t size = size_;
  if (!known_) {
    const uint32_t told = told_count_.value_or(static_cast<uint32_t>(fresh.size()));
    size = std::max(told, static_cast<uint32_t>(hashes_.size()));
  }
  const size_t known = std::min<size_t>(view.size(), size);

  std::unique_ptr<Mapping> mapping;
  const bool same = size == fresh.size() && (&view == &fresh || view == fresh);
  if (!same) {
    mapping = Mapping::Between(view, known, size, fresh);
    if (!mapping) return Fit::kDifferent;
  }
  if (!known_) hashes_.assign(fresh.begin(), fresh.begin() + static_cast<ptrdiff_t>(known));
  mapping_ = std::move(mapping);
  size_ = size;
  known_ = true;
  return same ? Fit::kSame : Fit::kMapped;
}

// What the client has seen of the listing must be its beginning.
bool MaildropView::MayAdopt(const std::vector<uint64_t>& fresh) const {
  return hashes_.size() <= fresh.size() &&
         std::equal(hashes_.begin(), hashes_.end(), fresh.begin());
}

bool MaildropView::AllMarksKnown(size_t messages) const {
  if (mark_not_kept_) return false;
  if (marked_.empty()) return true;
  // The last word is the one of the highest mark: Mark() grows it by no more.
  const size_t highest =
      marked_.size() * kWordBits - static_cast<size_t>(std::countl_zero(marked_.back()));
  return highest <= messages;
}

uint32_t MaildropView::AtNode(uint32_t own) const {
  if (!known_) return own;
  if (own == 0 || own > hashes_.size()) return 0;
  return mapping_ ? mapping_->at_node[own - 1] : own;
}

uint32_t MaildropView::OwnOf(uint32_t at_node) const {
  if (!known_) return at_node;
  if (!mapping_) return at_node <= hashes_.size() ? at_node : 0;
  return at_node != 0 && at_node <= mapping_->own.size() ? mapping_->own[at_node - 1] : 0;
}

std::vector<uint32_t> MaildropView::MarksAtNode() const {
  std::vector<uint32_t> numbers;
  for (uint32_t word = 0; word < marked_.size(); ++word) {
    for (uint64_t bits = marked_[word]; bits != 0; bits &= bits - 1) {
      const auto bit = static_cast<uint32_t>(std::countr_zero(bits));
      if (const uint32_t at_node = AtNode(word * kWordBits + bit + 1)) numbers.push_back(at_node);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

uint32_t MaildropView::vanished() const { return mapping_ ? mapping_->vanished : 0; }

}  // namespace poplar::pop3
