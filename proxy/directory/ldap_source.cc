#include "proxy/directory/ldap_source.h"

#include <cassert>
#include <memory>
#include <optional>
#include <utility>

namespace poplar::directory {

LdapSource::~LdapSource() { assert(waiting_.empty()); }

void LdapSource::Stop() {
  stopped_ = true;
  for (io::Event* event : waiting_) event->Signal();
}

Answer LdapSource::Trouble(const std::string& what) const {
  return {.text = "directory " + settings_.name + ": " + what};
}

io::Task<Answer> LdapSource::Ask(const Question& question) {
  if (stopped_) co_return Trouble("stopped");
  io::Event woken(proactor_.ready());
  std::optional<Answer> answer;
  const io::Time deadline = proactor_.Now() + settings_.timeout;
  // What it refers to is there until the task was abandoned, or what it posts has run.
  const auto task = std::make_shared<LdapTask>(question.user, deadline, [&](Answer given) {
    proactor_.PostFromAnyThread([&answer, &woken, given = std::move(given)] {
      answer = given;
      woken.Signal();
    });
  });
  if (!pool_.Post(task)) co_return Trouble("too many questions wait for it already");
  io::Timer timer(
      proactor_.timers(), [](void* event) { static_cast<io::Event*>(event)->Signal(); }, &woken);
  timer.Arm(deadline + kGrace);
  waiting_.insert(&woken);
  co_await woken.Wait();
  // Too late, or stopped, if there is no answer; one that is on its way is waited for.
  const bool abandoned = !answer && task->Abandon();
  while (!abandoned && !answer) co_await woken.Wait();
  waiting_.erase(&woken);
  if (abandoned) co_return Trouble(stopped_ ? "stopped" : "gave no answer in time");
  // The thread may be inside the worker's loop still; the lock tells when it isn't.
  task->Abandon();
  co_return std::move(*answer);
}

}  // namespace poplar::directory
