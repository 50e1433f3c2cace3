#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/pop3/command.h"
#include "proxy/pop3/line_reader.h"
#include "proxy/pop3/reply_framer.h"
#include "proxy/pop3/secret.h"

namespace poplar::pop3 {

// One POP3 dialogue as lines that others may read: "C: USER alice", "C: PASS ***", "S: +OK".
//
// Fed the bytes of both directions, split anywhere. Of what a client says only that is shown which
// is known to be harmless: verbs that are known, with the arguments that belong to them. All else
// is "***", everything that may be part of a SASL exchange too, and an answer that repeats it. Of
// messages the size is shown. What isn't understood is counted and never shown.
class Transcript {
 public:
  // Where in the dialogue it begins.
  enum class Start : uint8_t {
    kGreeting,     // the server is to speak first
    kIdle,         // all is answered
    kLoginAnswer,  // the answer to PASS, or the last one to AUTH, is due
    kAuthAnswer,   // within an AUTH
  };
  // Takes each line, without a line end: printable ASCII, and not much longer than
  // kTranscriptLineBytesMax.
  using Write = std::function<void(std::string_view line)>;

  Transcript(Start start, Write write);
  Transcript(const Transcript&) = delete;
  Transcript& operator=(const Transcript&) = delete;

  // What the client said before it began, which the answer that is due might repeat.
  void Hide(std::string_view secret);

  // As soon as they have been read, or before they are written: an answer comes after its command.
  void FromClient(std::string_view bytes);
  void FromServer(std::string_view bytes);
  // STLS has done its work: what was said and not read counts no more.
  void OnTls();
  // Nothing more comes: what was cut off, or only counted, is told of.
  void End();

 private:
  enum class Side : uint8_t { kClient, kServer };
  // What a command's answer will look like.
  enum class Form : uint8_t {
    kOneLine,
    kMessage,
    kListing,
    kSasl,     // questions may come ahead of it
    kUnknown,  // nobody knows
  };
  struct Expected {
    Form form = Form::kOneLine;
    std::vector<Secret> hidden = {};  // of the client's words, which the answer might repeat
    bool mute = false;                // the answer's text isn't shown: it may repeat anything
  };

  static Form FormOf(const Command& command);
  static std::string Shown(const Command& command);
  static std::string ShownAuth(std::string_view argument);
  static std::string ShownXclient(std::string_view argument);
  static std::string ShownStatus(std::string_view line, const Expected& expected);

  void OnClientLine(std::string_view line);
  void OnLineTooLong();
  void Expect(Form form, std::string_view hidden);
  void HideFrom(Expected& expected, std::string_view hidden);
  void Forget(const Expected& expected);
  Expected TakeExpected();
  size_t TakeStatus(std::string_view bytes);
  void OnStatus(std::string_view line);
  void OnQuestion();
  size_t TakeBody(std::string_view bytes);
  void TakeListing(std::string_view piece);
  void EndBody();
  void GoOpaque(std::string_view why);
  void CountOpaque(Side side, size_t bytes);
  void FlushOpaque();
  void WipeStatus();

  const Write write_;
  LineReader lines_;
  std::deque<Expected> expected_;
  size_t hidden_bytes_ = 0;  // in expected_
  size_t sasl_expected_ = 0;
  size_t questions_ = 0;  // to which the client's next lines are the answers
  std::string status_;    // of the line that has begun
  ReplyFramer framer_;
  LineReader listing_;
  bool lists_ = false;  // the body is a listing
  uint64_t body_lines_ = 0;
  uint64_t listed_ = 0;  // of these
  bool opaque_ = false;
  Side opaque_side_ = Side::kClient;
  uint64_t opaque_bytes_ = 0;
};

}  // namespace poplar::pop3
