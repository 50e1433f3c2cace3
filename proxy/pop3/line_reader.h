#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace poplar::pop3 {

// Cuts a byte stream into lines. A line ends with CRLF or a bare LF; a CR elsewhere belongs to the
// line.
//
// A line that lies whole in the fed bytes is a view into them. One that is spread over several
// feeds is gathered in a buffer of twice its length at most, which exists only meanwhile and is
// wiped before it is freed, since the line may be a PASS. A reader between lines holds no memory
// but itself.
class LineReader {
 public:
  enum class Event : uint8_t {
    kNeedMore,  // all fed bytes are used up
    kLine,      // *line is set
    kTooLong,   // told once a line, as soon as it is certain; the line is skipped up to its LF
  };

  // `max_bytes`: of a line, its line end included; at least 2.
  explicit LineReader(size_t max_bytes);
  ~LineReader() { ReleaseCarry(); }
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // `bytes` must stay valid until Next() has said kNeedMore or TakeRest() was called. Only to be
  // called when there are no unread bytes left.
  void Feed(std::string_view bytes);

  // Counts for the line that has begun, too.
  void SetLimit(size_t max_bytes);

  // A line comes without its line end, and its view is valid until the next call of anything but
  // const.
  Event Next(std::string_view* line);

  // The fed bytes behind the last line, which the reader then forgets. Not while mid_line().
  std::string_view TakeRest();

  // Forgets all that was fed, and the beginning of a line.
  void Discard();

  // The fed bytes not yet read; and the same after they were copied to where they may stay longer.
  std::string_view unread() const { return unread_; }
  void MoveUnread(std::string_view copy) { unread_ = copy; }

  // Whether the beginning of a line was read but not yet its end. Right after kNeedMore this tells
  // a clean end of the stream from a cut line.
  bool mid_line() const { return skipping_ || (carried_ > 0 && !carry_read_); }

 private:
  void AppendToCarry(std::string_view piece);
  void ReleaseCarry();
  Event SkipLine();

  std::string_view unread_;
  char* carry_ = nullptr;
  uint32_t carry_bytes_ = 0;  // size of carry_
  uint32_t max_bytes_;
  uint32_t carried_ = 0;     // bytes used in carry_
  bool carry_read_ = false;  // carry_ holds the line that was given out last
  bool skipping_ = false;    // within a line that was reported as kTooLong
};

}  // namespace poplar::pop3
