#include "proxy/demo/mail_store.h"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <set>

#include "proxy/demo/message_text.h"

namespace poplar::demo {
namespace {

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// FNV-1a: small, and the same everywhere.
uint32_t Digest(std::string_view bytes) {
  uint32_t digest = 2166136261u;
  for (const char c : bytes) digest = (digest ^ static_cast<unsigned char>(c)) * 16777619u;
  return digest;
}

std::string UniqueId(uint32_t validity, uint32_t uid, uint32_t digest) {
  char id[32];
  const int size = std::snprintf(id, sizeof(id), "%08x%08x-%08x", validity, uid, digest);
  return std::string(id, static_cast<size_t>(size));
}

}  // namespace

MailStore::~MailStore() {
  assert(std::all_of(accounts_.begin(), accounts_.end(),
                     [](const auto& account) { return account.second.open == 0; }));
}

MailStore::Account* MailStore::Find(std::string_view user) {
  const auto found = accounts_.find(LowerCase(user));
  return found == accounts_.end() ? nullptr : &found->second;
}

const MailStore::Account* MailStore::Find(std::string_view user) const {
  const auto found = accounts_.find(LowerCase(user));
  return found == accounts_.end() ? nullptr : &found->second;
}

void MailStore::AddUser(std::string_view user, std::string_view password) {
  Account& account = accounts_[LowerCase(user)];
  account.password = password;
  account.uid_validity = Digest(LowerCase(user));
}

bool MailStore::AddMessage(std::string_view user, std::string_view text) {
  return AddMessage(user, std::make_shared<const std::string>(WithCrlf(text)));
}

bool MailStore::AddMessage(std::string_view user, std::shared_ptr<const std::string> text) {
  assert(text->empty() || text->ends_with("\r\n"));
  Account* account = Find(user);
  if (account == nullptr) return false;
  if (account->messages.use_count() > 1)
    account->messages = std::make_shared<MessageList>(*account->messages);
  std::string id = UniqueId(account->uid_validity, account->next_uid++, Digest(*text));
  account->messages->push_back(Message{std::move(text), std::move(id)});
  return true;
}

std::shared_ptr<const MessageList> MailStore::Messages(std::string_view user) const {
  const Account* account = Find(user);
  return account == nullptr ? std::make_shared<const MessageList>() : account->messages;
}

int MailStore::OpenCount(std::string_view user) const {
  const Account* account = Find(user);
  return account == nullptr ? 0 : account->open;
}

MailStore::Login MailStore::Open(std::string_view user, std::string_view password, bool exclusive,
                                 std::shared_ptr<const MessageList> view) {
  Account* account = Find(user);
  if (account == nullptr || account->password != password) return {LoginResult::kRefused, nullptr};
  if (account->locked || (exclusive && account->open > 0)) return {LoginResult::kInUse, nullptr};
  if (view == nullptr) view = account->messages;
  return {LoginResult::kAccepted,
          std::unique_ptr<Maildrop>(new Maildrop(*account, std::move(view), exclusive))};
}

Maildrop::Maildrop(MailStore::Account& account, std::shared_ptr<const MessageList> view,
                   bool exclusive)
    : account_(account), snapshot_(std::move(view)), exclusive_(exclusive) {
  ++account_.open;
  if (exclusive_) account_.locked = true;
  Reset();
}

Maildrop::~Maildrop() {
  --account_.open;
  if (exclusive_) account_.locked = false;
}

const Message* Maildrop::Find(uint64_t number) const {
  if (number == 0 || number > snapshot_->size()) return nullptr;
  if (!deleted_.empty() && deleted_[number - 1]) return nullptr;
  return &(*snapshot_)[number - 1];
}

bool Maildrop::Delete(uint64_t number) {
  const Message* message = Find(number);
  if (message == nullptr) return false;
  deleted_.resize(snapshot_->size());
  deleted_[number - 1] = true;
  --count_;
  bytes_ -= message->text->size();
  return true;
}

void Maildrop::Reset() {
  deleted_ = {};
  count_ = last();
  bytes_ = 0;
  for (const Message& message : *snapshot_) bytes_ += message.text->size();
}

uint32_t Maildrop::Commit() {
  const uint32_t marked = last() - count_;
  if (marked == 0) return 0;
  std::set<std::string_view> gone;
  for (size_t i = 0; i < deleted_.size(); ++i) {
    if (deleted_[i]) gone.insert((*snapshot_)[i].unique_id);
  }
  auto kept = std::make_shared<MessageList>();
  for (const Message& message : *account_.messages) {
    if (!gone.contains(message.unique_id)) kept->push_back(message);
  }
  account_.messages = std::move(kept);
  deleted_ = {};  // so that nothing is removed twice
  count_ = last();
  return marked;
}

}  // namespace poplar::demo
