#include "proxy/directory/ldap_client.h"

#include <utility>

#include "proxy/directory/ldap_filter.h"

namespace poplar::directory {

Answer LdapClient::Ask(const std::string& user, io::Time deadline, const std::atomic<bool>& stop) {
  const std::string filter = RenderLdapFilter(settings_.filter, user);
  const std::vector<size_t> order = servers_.InTurn(clock_.Now());
  // So soon after the silence of the last one, none may be asked at all.
  Answer last{.text = servers_.LastTrouble()};
  for (size_t i = 0; i < order.size(); ++i) {
    const io::Time now = clock_.Now();
    if (now >= deadline || stop.load(std::memory_order_relaxed)) break;
    if (!servers_.MayAsk(order[i], now)) continue;
    // A silent server leaves time for those behind it.
    const auto share = (deadline - now) / static_cast<int64_t>(order.size() - i);
    Entries entries = AskServer(order[i], filter, {clock_, now + share, stop});
    if (entries) {
      servers_.Answered(order[i]);
      Answer answer = ToAnswer(*entries);
      if (answer.kind == Answer::Kind::kUnavailable) answer.text = Where(answer.text);
      return answer;
    }
    connection_ = nullptr;
    last.text = Where(settings_.urls[order[i]] + " " + entries.error().text);
    using Failure = LdapServers::Failure;
    if (!stop.load(std::memory_order_relaxed))
      servers_.Failed(order[i], entries.error().costly ? Failure::kCostly : Failure::kBroken,
                      last.text, clock_.Now());
  }
  if (last.text.empty()) last.text = Where("no server was asked in time");
  return last;
}

LdapClient::Entries LdapClient::AskServer(size_t server, const std::string& filter,
                                          const LdapPatience& patience) {
  if (connection_ != nullptr && connected_to_ == server) {
    Entries entries = connection_->Search(filter, patience);
    // Servers end kept connections when they like; that says nothing of another one.
    if (entries || !entries.error().lost) return entries;
  }
  connection_ = nullptr;
  auto opened = LdapConnection::Open(settings_, settings_.urls[server], patience);
  if (!opened) return tl::unexpected(std::move(opened.error()));
  connection_ = std::move(*opened);
  connected_to_ = server;
  return connection_->Search(filter, patience);
}

std::string LdapClient::Where(std::string_view what) const {
  return "directory " + settings_.name + ": " + std::string(what);
}

}  // namespace poplar::directory
