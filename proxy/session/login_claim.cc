// A login of a process from which another has taken over: that one knows where the user is.
#include <algorithm>
#include <memory>

#include "proxy/session/login.h"

namespace poplar::session {
namespace {

// Another login of the user may move it meanwhile, so that it has to be claimed anew; and what the
// answer says may be nothing that we know.
constexpr int kClaimsMax = 8;
constexpr io::Duration kClaimPatience = std::chrono::seconds(5);

// Outlives a login that leaves before the answer.
struct Asked {
  Patience* waiting = nullptr;
  bool answered = false;
};

}  // namespace

// Ends as Bind does.
io::Task<Login::Step> Login::Claim() {
  if (environment_.successor == nullptr || ++claims_ > kClaimsMax) {
    GiveUpConnection(true);
    co_return Unavailable(LoginResult::kBackendUnavailable,
                          "the process that has taken over has the user elsewhere");
  }
  const auto asked = std::make_shared<Asked>();
  asked->waiting = &patience_;
  environment_.successor->Claim(where_.cluster, request_.user, node_, environment_.proactor,
                                [asked] {
                                  asked->answered = true;
                                  if (asked->waiting != nullptr) asked->waiting->Signal();
                                });
  const io::Time until = std::min(Now() + kClaimPatience, request_.deadline);
  auto wake = Patience::Wake::kSignal;
  while (!asked->answered && wake == Patience::Wake::kSignal)
    wake = co_await patience_.Until(until);
  asked->waiting = nullptr;
  if (asked->answered) co_return Bind();
  GiveUpConnection(true);
  if (wake != Patience::Wake::kTime) co_return OnWake(wake);
  co_return Unavailable(LoginResult::kTimeout, "the process that has taken over does not answer");
}

}  // namespace poplar::session
