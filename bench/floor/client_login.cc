#include "bench/floor/client_login.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace poplar::bench {
namespace {

constexpr size_t kLineMost = 512;
constexpr std::string_view kUser = "USER ";
constexpr std::string_view kPass = "PASS ";
constexpr std::string_view kEnd = "\r\n";

bool BeginsWith(std::string_view line, std::string_view verb) {
  return line.size() >= verb.size() &&
         std::equal(verb.begin(), verb.end(), line.begin(), [](char wanted, char said) {
           return wanted == std::toupper(static_cast<unsigned char>(said));
         });
}

}  // namespace

void ClientLogin::Feed(std::string_view plaintext) {
  unread_.erase(0, std::exchange(read_, 0)).append(plaintext);
}

ClientLogin::Step ClientLogin::Next() {
  const size_t size = rest().find(kEnd);
  if (size == std::string_view::npos)
    return rest().size() > kLineMost ? Step::kFailed : Step::kWantsMore;
  line_ = rest().substr(0, size + kEnd.size());
  read_ += line_.size();
  if (BeginsWith(line_, kUser)) {
    name_ = line_.substr(kUser.size(), size - kUser.size());
    return Step::kUser;
  }
  if (BeginsWith(line_, kPass)) return name_.empty() ? Step::kFailed : Step::kPass;
  return BeginsWith(line_, kQuit) ? Step::kQuit : Step::kFailed;
}

}  // namespace poplar::bench
