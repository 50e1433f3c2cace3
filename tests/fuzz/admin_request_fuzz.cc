#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/admin_api.h"
#include "metrics/admin_request.h"

// Anybody's request to an admin endpoint that has tokens: a line with method and target, then
// headers. Who doesn't show a token reads and changes nothing, and the API answers in JSON.
namespace {

using namespace poplar::metrics;

constexpr std::string_view kReader = "reading-token";
constexpr std::string_view kWriter = "writing-token";

void Require(bool holds) {
  if (!holds) std::abort();
}

bool has_read = false;
bool has_changed = false;

template <class Answer>
Answer Read(Answer answer) {
  has_read = true;
  return answer;
}
template <class Answer>
Answer Change(Answer answer) {
  has_changed = true;
  return answer;
}

AdminHandlers Handlers() {
  return {.metrics = [] { return Read(std::string("poplar_up 1\n")); },
          .live = [] { return true; },
          .ready = [] { return true; },
          .may_read = [](std::string_view token) { return token == kReader; },
          .may_change = [](std::string_view token) { return token == kWriter; },
          // To find out which one is meant, whoever may change something looks at them, too.
          .nodes =
              [] {
                ClusterView cluster{.label = {}, .name = "main", .panic = false, .nodes = {{}}};
                cluster.nodes[0].name = "mail1";
                return Read(std::vector<ClusterView>{cluster, cluster});
              },
          .set_state = [](std::string_view, std::string_view,
                          AdminState) { return Change(SetStateResult::kOk); },
          .moves = [] { return Read(std::vector<MoveView>{{}}); },
          .set_move = [](std::string_view, uint32_t) { return Change(SetMoveResult::kOk); },
          .status = [] { return Read(StatusView{.version = "1"}); },
          .sessions = [](const SessionQuery& query) -> ApiResult<SessionsView> {
            Require(query.limit >= 1 && query.limit <= kSessionsShownMax);
            return Read(SessionsView{.total = 1, .sessions = {{.id = "a", .user = query.user}}});
          },
          .kick = [](const KickQuery& query) -> ApiResult<KickResult> {
            Require(query.user.empty() != query.session.empty());
            return Change(KickResult{.kicked = 1});
          },
          .route = [](const RouteQuery& query) -> ApiResult<RouteView> {
            Require(!query.user.empty());
            return Read(RouteView{.login = query.user, .rule = query.server_name});
          }};
}

std::string_view TakeLine(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return line;
}

bool IsPrintableUtf8Json(std::string_view body) {
  for (const char c : body.substr(0, body.size() - 1)) {
    if (static_cast<unsigned char>(c) < 0x20) return false;
  }
  return body.starts_with('{') && body.ends_with("}\n");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view line = TakeLine(rest);
  const size_t blank = line.find(' ');
  const std::string_view target = blank == line.npos ? "" : line.substr(blank + 1);
  const size_t question = target.find('?');
  std::vector<AdminRequest::Header> headers;
  while (!rest.empty()) {
    const std::string_view header = TakeLine(rest);
    const size_t colon = header.find(": ");
    if (colon != header.npos)
      headers.push_back({header.substr(0, colon), header.substr(colon + 2)});
  }
  const AdminRequest request{.method = line.substr(0, blank),
                             .path = target.substr(0, question),
                             .query = question == target.npos ? "" : target.substr(question + 1),
                             .peer = "127.0.0.1",
                             .headers = headers};
  has_read = has_changed = false;
  const AdminResponse response = RespondTo(request, Handlers());
  const AdminRequest::Header* const shown = request.Find("Authorization");
  Require(shown != nullptr || (!has_read && !has_changed));
  if (has_changed) Require(request.method == "POST" && shown->value.ends_with(kWriter));
  if (has_read && request.method != "POST")
    Require(request.reads() && (shown->value.size() > kReader.size()));
  if (has_read && request.method == "POST") Require(shown->value.ends_with(kWriter));
  Require(response.status >= 200 && response.status < 600);
  if (request.path.starts_with(kApiPrefix)) Require(IsPrintableUtf8Json(response.body));
  return 0;
}
