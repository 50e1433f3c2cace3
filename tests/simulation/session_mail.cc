#include "tests/simulation/session_mail.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "proxy/demo/message_text.h"
#include "tests/simulation/session_rules.h"

namespace poplar::simulation {
namespace {

constexpr std::string_view kForeign = "X: foreign mail\r\n";

}  // namespace

std::string StuffedWithTerminator(std::string_view text) {
  std::string wire;
  bool at_line_start = true;
  for (size_t i = 0; i < text.size(); ++i) {
    if (at_line_start && text[i] == '.') wire += '.';
    wire += text[i];
    at_line_start = text[i] == '\n' && i > 0 && text[i - 1] == '\r';
  }
  return wire + ".\r\n";
}

SessionMail::SessionMail(SeededRandom random, const Shape& shape)
    : random_(random), bytes_max_(shape.message_bytes_max) {
  for (size_t i = 0; i < shape.stores; ++i) stores_.push_back(std::make_unique<demo::MailStore>());
  for (size_t i = 0; i < shape.users; ++i) {
    User& user = users_.emplace_back();
    user.name = "mailboxofuser" + std::string(1, static_cast<char>('a' + i));
    if (shape.domains) user.name += "@" + DomainOf(i);
    user.sizes.insert(kForeign.size());
    const size_t count = random_.Between(0, shape.messages_max);
    for (size_t n = 0; n < count; ++n) Compose(i);
  }
}

std::string SessionMail::DomainOf(size_t user) {
  return user % 2 == 0 ? "north.example" : "south.example";
}

OriginalMessage& SessionMail::Compose(size_t number) {
  User& user = users_[number];
  std::string text = DrawText(number, user.messages.size(), bytes_max_);
  while (!user.sizes.insert(text.size()).second) text += "p\r\n";
  OriginalMessage& message = user.messages.emplace_back();
  message.order = user.messages.size() - 1;
  message.text = std::move(text);
  message.wire = StuffedWithTerminator(message.text);
  return message;
}

void SessionMail::Arrive(size_t number, io::Time now) {
  const User& user = users_[number];
  OriginalMessage& message = Compose(number);
  message.arrived = now;
  demo::MailStore& home = *stores_[user.home];
  home.AddMessage(user.name, std::make_shared<const std::string>(message.text));
  message.unique_id = home.Messages(user.name)->back().unique_id;
}

void SessionMail::Expunge(size_t number) {
  User& user = users_[number];
  demo::MailStore& home = *stores_[user.home];
  const demo::MailStore::Login login = home.Open(user.name, kPassword, false);
  if (login.maildrop == nullptr || login.maildrop->last() == 0) return;
  const size_t which = random_.Between(1, login.maildrop->last());
  const std::string& unique_id = (*home.Messages(user.name))[which - 1].unique_id;
  for (OriginalMessage& message : user.messages) message.expunged |= message.unique_id == unique_id;
  login.maildrop->Delete(which);
  login.maildrop->Commit();
}

// Full of what a framing could take for an end or for an answer.
std::string SessionMail::DrawText(size_t user, size_t number, size_t bytes_max) {
  using std::string_view_literals::operator""sv;
  constexpr std::array kLines = {"."sv,
                                 ".."sv,
                                 "..."sv,
                                 ""sv,
                                 "+OK Bye"sv,
                                 "-ERR no"sv,
                                 ".x"sv,
                                 "a.\r."sv,
                                 ".\r.\r"sv,
                                 "\xff\0z"sv,
                                 "-ERR [SYS/TEMP] wait"sv,
                                 "+OK 3 octets"sv};
  std::string text = "X: " + std::to_string(user) + " " + std::to_string(number) + "\r\n\r\n";
  if (random_.Chance(0.05)) return {};
  const size_t size = random_.Between(0, bytes_max);
  while (text.size() < size) {
    if (random_.Chance(0.6)) {
      text += kLines[random_.Below(kLines.size())];
    } else {
      text.append(random_.Between(1, std::max<size_t>(2, size / 3)), 'x');
    }
    text += "\r\n";
  }
  return demo::WithCrlf(text);
}

void SessionMail::Deliver(const std::vector<size_t>& homes) {
  for (auto& store : stores_) store->AddUser(kProbeUser, kProbePassword);
  for (size_t i = 0; i < users_.size(); ++i) {
    User& user = users_[i];
    user.home = homes[i];
    for (auto& store : stores_) store->AddUser(user.name, kPassword);
    for (size_t s = 0; s < stores_.size(); ++s) {
      if (s != user.home) stores_[s]->AddMessage(user.name, kForeign);
    }
    for (const OriginalMessage& message : user.messages) {
      stores_[user.home]->AddMessage(user.name, std::make_shared<const std::string>(message.text));
    }
    const auto stored = stores_[user.home]->Messages(user.name);
    for (size_t n = 0; n < stored->size(); ++n) user.messages[n].unique_id = (*stored)[n].unique_id;
  }
}

const OriginalMessage* SessionMail::Find(size_t user, std::string_view unique_id) const {
  for (const OriginalMessage& message : users_[user].messages) {
    if (message.unique_id == unique_id) return &message;
  }
  return nullptr;
}

const OriginalMessage* SessionMail::FindBySize(size_t user, uint64_t octets) const {
  for (const OriginalMessage& message : users_[user].messages) {
    if (message.text.size() == octets) return &message;
  }
  return nullptr;
}

const OriginalMessage* SessionMail::FindByWire(size_t user, std::string_view wire) const {
  for (const OriginalMessage& message : users_[user].messages) {
    if (message.wire == wire) return &message;
  }
  return nullptr;
}

bool SessionMail::StillThere(size_t user, std::string_view unique_id) const {
  const auto left = stores_[users_[user].home]->Messages(users_[user].name);
  return std::any_of(left->begin(), left->end(), [unique_id](const demo::Message& message) {
    return message.unique_id == unique_id;
  });
}

std::string SessionMail::Spelled(size_t user, size_t spelling) const {
  assert(spelling < size_t{1} << kIdBits);
  std::string name = users_[user].name;
  for (size_t bit = 0; bit < kIdBits; ++bit) {
    if ((spelling >> bit & 1) != 0) name[bit] = static_cast<char>(name[bit] - 'a' + 'A');
  }
  return name;
}

std::optional<size_t> SessionMail::UserCalled(std::string_view name) const {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const auto found = std::find_if(users_.begin(), users_.end(),
                                  [&lower](const User& user) { return user.name == lower; });
  if (found == users_.end()) return std::nullopt;
  return static_cast<size_t>(found - users_.begin());
}

}  // namespace poplar::simulation
