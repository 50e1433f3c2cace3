#include "metrics/session_page.h"

#include "metrics/json.h"

namespace poplar::metrics {
namespace {

std::string SessionAsJson(const SessionView& session) {
  JsonObject json;
  const auto known = [&json](std::string_view key, std::string_view value) {
    if (!value.empty()) json.Text(key, value);
  };
  known("id", session.id);
  known("user", session.user);
  known("listener", session.listener);
  known("client", session.client);
  known("cluster", session.cluster);
  known("node", session.node);
  known("state", session.state);
  json.Real("age", session.age);
  if (session.idle) json.Real("idle", *session.idle);
  known("mechanism", session.mechanism);
  known("tls", session.tls);
  known("lease", session.lease);
  return json.Number("messages", session.messages)
      .Number("bytes_to_client", session.bytes_to_client)
      .Number("commands", session.commands)
      .Flag("opaque", session.opaque)
      .End();
}

}  // namespace

std::string SessionsAsJson(const SessionsView& view) {
  std::string list = "[";
  for (const SessionView& session : view.sessions)
    list.append(list.size() == 1 ? "" : ",").append(SessionAsJson(session));
  return JsonObject().Number("total", view.total).Raw("sessions", list + "]").End() + "\n";
}

}  // namespace poplar::metrics
