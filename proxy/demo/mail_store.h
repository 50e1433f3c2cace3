#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace poplar::demo {

struct Message {
  std::shared_ptr<const std::string> text;  // in the form of WithCrlf; many maildrops may share it
  std::string unique_id;                    // RFC 1939 section 7: 1 to 70 of 0x21..0x7E
};

using MessageList = std::vector<Message>;

class Maildrop;

// Users and their mail, in memory. Several nodes of one thread may serve the same store: that is
// shared storage. It must outlive its maildrops.
class MailStore {
 public:
  MailStore() = default;
  ~MailStore();
  MailStore(const MailStore&) = delete;
  MailStore& operator=(const MailStore&) = delete;

  // User names differ not by ASCII case. A user that exists gets the new password and keeps the
  // mail.
  void AddUser(std::string_view user, std::string_view password);

  // False if there is no such user. The unique id comes from the user's name, the message and its
  // number among all that the user ever got: the same mail in the same order, the same ids, in
  // whichever store.
  bool AddMessage(std::string_view user, std::string_view text);
  // `text` must be in the form of WithCrlf; its bytes are shared, not copied.
  bool AddMessage(std::string_view user, std::shared_ptr<const std::string> text);

  // What is in the maildrop now; never null, empty if there is no such user.
  std::shared_ptr<const MessageList> Messages(std::string_view user) const;

  enum class LoginResult : uint8_t { kAccepted, kRefused, kInUse };
  struct Login {
    LoginResult result = LoginResult::kRefused;
    std::unique_ptr<Maildrop> maildrop;  // if accepted
  };
  // An exclusive login is kInUse while any maildrop of the user is open; any login is, while an
  // exclusive one is open. `view`: of the maildrop, if not what is there now.
  Login Open(std::string_view user, std::string_view password, bool exclusive,
             std::shared_ptr<const MessageList> view = nullptr);

  // Maildrops of the user that are open.
  int OpenCount(std::string_view user) const;

 private:
  friend class Maildrop;
  struct Account {
    std::string password;
    uint32_t uid_validity = 0;
    uint32_t next_uid = 1;
    // Changed in place only while nobody else has it: the sessions' snapshots stay as they are.
    std::shared_ptr<MessageList> messages = std::make_shared<MessageList>();
    int open = 0;
    bool locked = false;
  };
  Account* Find(std::string_view user);
  const Account* Find(std::string_view user) const;

  std::map<std::string, Account, std::less<>> accounts_;  // by lower-case name; nodes never move
};

// A session's view of a maildrop: the messages as they were at the login. Open, and perhaps locked,
// while it lives. Going away without Commit deletes nothing (RFC 1939 section 6).
class Maildrop {
 public:
  ~Maildrop();
  Maildrop(const Maildrop&) = delete;
  Maildrop& operator=(const Maildrop&) = delete;

  // Messages are numbered from 1 to last(), deleted ones included.
  uint32_t last() const { return static_cast<uint32_t>(snapshot_->size()); }
  // Nothing for a number out of range and for a message marked as deleted.
  const Message* Find(uint64_t number) const;

  // Those not marked as deleted, and their bytes.
  uint32_t count() const { return count_; }
  uint64_t bytes() const { return bytes_; }

  // Marks. False where Find finds nothing.
  bool Delete(uint64_t number);
  // Takes all marks away.
  void Reset();

  // The UPDATE state: removes what is marked, and returns how many messages that were. One that
  // another session removed meanwhile is gone as asked.
  uint32_t Commit();

 private:
  friend class MailStore;
  Maildrop(MailStore::Account& account, std::shared_ptr<const MessageList> view, bool exclusive);

  MailStore::Account& account_;
  std::shared_ptr<const MessageList> snapshot_;
  std::vector<bool> deleted_;  // empty until the first DELE: most sessions delete nothing
  uint32_t count_ = 0;
  uint64_t bytes_ = 0;
  bool exclusive_;
};

}  // namespace poplar::demo
