#include "proxy/directory/server_addresses.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace poplar::directory {

ServerAddresses::ServerAddresses(io::Proactor& proactor, io::TaskScope& scope,
                                 const NameLookups& lookups, std::string host, uint16_t port)
    : proactor_(proactor),
      scope_(scope),
      lookups_(lookups),
      host_(std::move(host)),
      port_(port),
      due_(proactor.Now()) {
  const auto literal = io::Address::Parse(host_, port_);
  is_name_ = !literal;
  if (literal) addresses_ = {*literal};
  assert(!is_name_ || lookups_.resolver != nullptr);
}

ServerAddresses::~ServerAddresses() { assert(!looking_up_); }

void ServerAddresses::Refresh() {
  if (!is_name_ || looking_up_ || stopped_ || proactor_.Now() < due_) return;
  looking_up_ = true;
  asked_ = proactor_.Now();
  scope_.Spawn(LookUp());
}

bool ServerAddresses::Has(const io::Address& address) const {
  return std::find(addresses_.begin(), addresses_.end(), address) != addresses_.end();
}

void ServerAddresses::Doubt() { due_ = std::min(due_, answered_ + lookups_.ttl_min); }

void ServerAddresses::Stop() {
  stopped_ = true;
  for (io::Event* waiter : waiters_) waiter->Signal();
}

io::Task<ServerAddresses::Addresses> ServerAddresses::Get(io::Time deadline) {
  Refresh();
  if (looking_up_) {
    const io::Time now = proactor_.Now();
    // Half of the time is for the old ones.
    co_await WaitUntil(
        addresses_.empty() ? deadline : std::min(asked_ + kRefreshMax, now + (deadline - now) / 2));
  }
  if (!addresses_.empty()) co_return addresses_;
  if (!trouble_.empty()) co_return tl::unexpected(trouble_);
  co_return tl::unexpected("its name " + host_ +
                           (looking_up_ ? " wasn't looked up in time" : " is looked up no more"));
}

io::Task<void> ServerAddresses::WaitUntil(io::Time until) {
  if (stopped_ || proactor_.Now() >= until) co_return;
  io::Event woken(proactor_.ready());
  io::Timer timer(
      proactor_.timers(), [](void* event) { static_cast<io::Event*>(event)->Signal(); }, &woken);
  timer.Arm(until);
  waiters_.push_back(&woken);
  co_await woken.Wait();
  std::erase(waiters_, &woken);
}

io::Task<void> ServerAddresses::LookUp() {
  const auto found = co_await lookups_.resolver->LookUpHost(proactor_, host_, port_);
  looking_up_ = false;
  answered_ = proactor_.Now();
  io::Duration pause = lookups_.ttl_min;
  if (found) {
    if (found->whole) pause = std::clamp(found->ttl, lookups_.ttl_min, lookups_.ttl_max);
    Take(*found);
    Note(found->whole ? "" : host_ + ": only one family of its addresses could be asked for");
  } else if (found.error().kind != io::ResolveError::Kind::kStopped) {
    Note(found.error().text);
  }
  due_ = answered_ + pause;
  for (io::Event* waiter : waiters_) waiter->Signal();
}

// IPv4 first: a network without IPv6 may lose its packets rather than refuse them.
void ServerAddresses::Take(const io::HostAddresses& found) {
  std::vector<io::Address> addresses;
  for (const int family : {AF_INET, AF_INET6}) {
    const auto is_of_family = [family](const io::Address& each) { return each.family() == family; };
    const size_t before = addresses.size();
    std::copy_if(found.addresses.begin(), found.addresses.end(), std::back_inserter(addresses),
                 is_of_family);
    // The question for it has failed: what there was is where it was.
    if (addresses.size() == before && !found.whole)
      std::copy_if(addresses_.begin(), addresses_.end(), std::back_inserter(addresses),
                   is_of_family);
  }
  addresses_ = std::move(addresses);
}

// Once for each trouble, however long it lasts.
void ServerAddresses::Note(std::string trouble) {
  if (trouble == trouble_) return;
  trouble_ = std::move(trouble);
  if (lookups_.note) lookups_.note(host_, trouble_, !addresses_.empty());
}

}  // namespace poplar::directory
