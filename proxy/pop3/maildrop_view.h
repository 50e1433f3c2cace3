#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace poplar::pop3 {

// The maildrop as one client sees it: frozen at its login (RFC 1939 section 8), and to be kept
// frozen when its session goes on in another session of the same maildrop, where messages may have
// arrived, vanished or changed their numbers. Then there are two numberings: the client's own, and
// the one of the node's present session; both count from 1, and 0 means "none".
//
// Memory: 8 bytes a message once it is known, 1 bit a message once one is marked, 8 bytes a message
// once the numberings differ; at most kViewMessagesMax messages.
class MaildropView {
 public:
  MaildropView();
  ~MaildropView();
  MaildropView(MaildropView&&) noexcept;
  MaildropView& operator=(MaildropView&&) noexcept;

  // --- learned while nothing is wrong

  // The hashes of a listing (UidlReader) that the client's first session gave; ignored once the
  // view is known. `whole`: false when it was cut off. While messages are marked, a node leaves
  // them out of its listings: then this one counts as cut off, too.
  void Learn(std::vector<uint64_t> hashes, bool whole);
  // How many messages the client was told that there are (STAT). Only the first time counts, and
  // not while messages are marked, which a node leaves out.
  void LearnCount(uint32_t count);
  // Whether the client has been told nothing that another session could contradict.
  bool empty() const;
  // Whether the whole listing is known.
  bool known() const { return known_; }

  // Marked for deletion by the client, with the node's +OK. Numbers that nothing is known of are
  // taken too: the node knows best. But what they stand for can't be recognised in another session
  // and must not be guessed: with one of them every Refit() is kDifferent.
  void Mark(uint32_t own);
  void UnmarkAll();  // RSET
  bool marked(uint32_t own) const;
  size_t marks() const { return marks_; }

  // --- after a loss

  enum class Fit : uint8_t {
    kSame,       // the same messages with the same numbers, and no others
    kMapped,     // both numberings differ, or there are messages to be hidden or missed
    kDifferent,  // what the client was told can't be found in it: the session can't go on there
  };
  // `fresh`: the whole listing of the node's present session. What isn't known of the view yet is
  // taken from it. Ids that aren't unique, in either listing, make it kDifferent, but for kSame.
  // That all messages have vanished is kMapped: vanished() tells. kDifferent changes nothing.
  Fit Refit(const std::vector<uint64_t>& fresh);

  // Whether the numberings differ since the last Refit.
  bool mapped() const { return mapping_ != nullptr; }
  // Where the message is at the node now; 0: it has vanished, or never was.
  uint32_t AtNode(uint32_t own) const;
  // The client's number of the node's message; 0: it has arrived since, and is hidden.
  uint32_t OwnOf(uint32_t at_node) const;
  // The node's numbers of all messages that are marked and still there, ascending.
  std::vector<uint32_t> MarksAtNode() const;
  // How many of the client's messages the last Refit missed, and how many there are. A maildrop
  // that has lost all of them may be another one, or its storage may be gone.
  uint32_t vanished() const;
  uint32_t size() const { return known_ ? size_ : 0; }

 private:
  struct Mapping;

  bool MayAdopt(const std::vector<uint64_t>& fresh) const;
  bool AllMarksKnown(size_t messages) const;

  // Of messages 1, 2, 3 ...: of all when known_, else of those listed before it was cut off. Fewer
  // than size_ where the view was adopted from a listing that missed some.
  std::vector<uint64_t> hashes_;
  std::vector<uint64_t> marked_;  // bit n - 1 for message n
  std::unique_ptr<Mapping> mapping_;
  std::optional<uint32_t> told_count_;
  uint32_t size_ = 0;  // messages of the view, once known_
  uint32_t marks_ = 0;
  bool known_ = false;
  bool mark_not_kept_ = false;  // on a number beyond kViewMessagesMax
};

}  // namespace poplar::pop3
