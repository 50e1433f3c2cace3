#pragma once

#include <cstddef>
#include <cstdint>
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
  // --- learned while nothing is wrong

  // The hashes of a listing (UidlReader) that the client's first session gave; at most once.
  // `whole`: false when it was cut off.
  void Learn(std::vector<uint64_t> hashes, bool whole);
  // How many messages the client was told that there are (STAT).
  void LearnCount(uint32_t count);
  // Whether the client has been told anything that another session could contradict.
  bool empty() const;
  // Whether the whole listing is known.
  bool known() const { return known_; }

  // Marked for deletion by the client, with the node's +OK. Numbers that nothing is known of are
  // taken too: the node knows best.
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
  Fit Refit(const std::vector<uint64_t>& fresh);

  // Whether the numberings differ since the last Refit.
  bool mapped() const { return mapped_; }
  // Where the message is at the node now; 0: it has vanished, or never was.
  uint32_t AtNode(uint32_t own) const;
  // The client's number of the node's message; 0: it has arrived since, and is hidden.
  uint32_t OwnOf(uint32_t at_node) const;
  // The node's numbers of all messages that are marked and still there, ascending.
  std::vector<uint32_t> MarksAtNode() const;

 private:
  bool known_ = false;
  bool mapped_ = false;
  size_t marks_ = 0;
};

}  // namespace poplar::pop3
