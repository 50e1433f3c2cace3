#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string_view>

#include "proxy/io/clock.h"
#include "tests/simulation/session_mail.h"

namespace poplar::simulation {

// What a node takes for its users' mail: what it saw when it last looked, for as long as its cache
// is good. On shared storage nodes so disagree about mail that came or went a moment ago.
class StaleView {
 public:
  // `age`: of what it has seen, at most; 0: it looks each time.
  StaleView(const SessionMail& mail, const demo::MailStore& store, io::Duration age)
      : mail_(mail), store_(store), age_(age) {}

  std::shared_ptr<const demo::MessageList> Look(std::string_view user, io::Time now);
  // It has changed the user's mail itself.
  void Forget(std::string_view user);

 private:
  struct Seen {
    std::shared_ptr<const demo::MessageList> messages;
    io::Time at{};
  };
  const SessionMail& mail_;
  const demo::MailStore& store_;
  const io::Duration age_;
  std::map<size_t, Seen> seen_;  // by user
};

}  // namespace poplar::simulation
