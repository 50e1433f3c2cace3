#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/demo/mail_store.h"
#include "tests/simulation/seeded_random.h"

namespace poplar::simulation {

// A message as it was before anybody touched it.
struct OriginalMessage {
  size_t order = 0;  // of the user's, by arrival
  std::string unique_id;
  std::string text;       // its size is its own among the user's, so that LIST tells it too
  std::string wire;       // what RETR sends behind the status line: stuffed, with the terminator
  io::Time arrived{};     // by its delivery to a maildrop that was there before
  bool expunged = false;  // by another program than Poplar
};

// "." lines stuffed (RFC 1939 section 3) and the terminator behind. Written anew here, so that the
// judge doesn't share a mistake with the judged.
std::string StuffedWithTerminator(std::string_view text);

// The users, their mail, and the stores that the nodes serve: one for all, or one for each node. In
// the latter case a user's mail lies in the store of the user's own node; the others know the user
// too but hold foreign mail for it, so that a session on the wrong node shows.
class SessionMail {
 public:
  struct User {
    std::string name;                      // small letters only, at least kIdBits of them
    size_t home = 0;                       // the store with its mail
    std::deque<OriginalMessage> messages;  // all that there ever were, in order of arrival
    std::set<size_t> sizes;                // of them
  };
  struct Shape {
    size_t users;
    size_t stores;
    size_t message_bytes_max;
    size_t messages_max;
    bool domains = false;  // their names have one, of two
  };
  static constexpr size_t kIdBits = 2;
  static constexpr std::string_view kPassword = "correct horse";
  static constexpr std::string_view kWrongPassword = "wrong";

  // `home_of`: which store a user's mail is to lie in.
  SessionMail(SeededRandom random, const Shape& shape);

  // Puts the mail into the stores; once. `homes`: by user.
  void Deliver(const std::vector<size_t>& homes);

  // A new message comes in.
  void Arrive(size_t user, io::Time now);
  // Another program removes one of the user's messages; nothing where there is none, or the
  // maildrop is locked.
  void Expunge(size_t user);

  // Of every other user.
  static std::string DomainOf(size_t user);

  const std::vector<User>& users() const { return users_; }
  demo::MailStore& store(size_t index) { return *stores_[index]; }
  size_t store_count() const { return stores_.size(); }
  // Null: no mail of that user's.
  const OriginalMessage* Find(size_t user, std::string_view unique_id) const;
  const OriginalMessage* FindBySize(size_t user, uint64_t octets) const;
  const OriginalMessage* FindByWire(size_t user, std::string_view wire) const;
  bool StillThere(size_t user, std::string_view unique_id) const;

  // The user's name, spelled in one of the ways (below 2 to the kIdBits) that mail servers take for
  // the same: what counts as another credential.
  std::string Spelled(size_t user, size_t spelling) const;
  // By name, however spelled; nothing for anybody else.
  std::optional<size_t> UserCalled(std::string_view name) const;

 private:
  std::string DrawText(size_t user, size_t number, size_t bytes_max);
  OriginalMessage& Compose(size_t user);

  SeededRandom random_;
  const size_t bytes_max_;
  std::vector<User> users_;
  std::vector<std::unique_ptr<demo::MailStore>> stores_;
};

}  // namespace poplar::simulation
