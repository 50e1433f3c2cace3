#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/demo/mail_node_options.h"
#include "proxy/demo/mail_store.h"
#include "proxy/demo/reply_writer.h"
#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"
#include "proxy/io/task.h"
#include "proxy/pop3/command.h"
#include "proxy/pop3/line_reader.h"

namespace poplar::demo {

// One client's dialogue with the node: RFC 1939 with the CAPA of RFC 2449. Commands are answered in
// order; the replies to all that came in one read leave in as few writes as possible.
class MailSession {
 public:
  MailSession(io::Proactor& proactor, MailStore& store, const MailNodeOptions& options,
              MailNodeCounters& counters, io::Stream& stream);

  // Returns when the session is over and the stream has nothing more to say. Abort the stream to
  // end it early; that commits nothing.
  io::Task<void> Run();

 private:
  enum class State : uint8_t { kAuthorization, kTransaction, kEnded };

  io::Task<io::Result<io::Buffer>> Read();
  io::Task<void> AnswerLines();
  io::Task<void> Answer(const pop3::Command& command);
  io::Task<void> AnswerInAuthorization(const pop3::Command& command);
  io::Task<void> AnswerInTransaction(const pop3::Command& command);
  io::Task<void> Linger();

  io::Task<void> User(std::string_view name);
  io::Task<void> Pass(std::string_view password);
  io::Task<void> Capabilities();
  io::Task<void> Quit();
  io::Task<void> Stat();
  io::Task<void> Listing(const pop3::Command& command);
  io::Task<void> Retrieve(std::string_view argument);
  io::Task<void> Top(std::string_view argument);
  io::Task<void> Delete(std::string_view argument);
  io::Task<void> Reset();
  io::Task<void> BadCommand(std::string_view reply);
  io::Task<void> NoSuchMessage();
  io::Task<void> Stuffed(std::string_view text);

  io::Proactor& proactor_;
  MailStore& store_;
  const MailNodeOptions& options_;
  MailNodeCounters& counters_;
  io::Stream& stream_;
  ReplyWriter out_;
  pop3::LineReader lines_;
  State state_ = State::kAuthorization;
  int bad_commands_ = 0;
  int failed_logins_ = 0;
  std::string user_;
  std::unique_ptr<Maildrop> maildrop_;
};

}  // namespace poplar::demo
