#include "metrics/admin_server.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <exception>
#include <optional>
#include <semaphore>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "metrics/admin_answers.h"
#include "metrics/admin_api.h"
#include "metrics/admin_request.h"

namespace poplar::metrics {

struct AdminServer::Context {
  AdminHandlers handlers;

  AdminHandlers HandlersNow() const {
    AdminHandlers now = handlers;
    if (!handlers.tokens) return now;
    AdminHandlers::Tokens tokens = handlers.tokens();
    now.may_read = std::move(tokens.may_read);
    now.may_change = std::move(tokens.may_change);
    return now;
  }
  std::string start_log;  // the library's first complaint while it started; not touched afterwards
  std::atomic<bool> is_started = false;
  std::atomic<int> answering = 0;  // requests, at this moment
  mg_context* server = nullptr;

  static int OnRequest(mg_connection* connection);
  static int OnError(mg_connection* connection, int status, const char* message);
  static int OnLog(const mg_connection* connection, const char* message);
  std::optional<std::string> Listen(const std::string& listen_on);
};

namespace {

std::string_view Text(const char* text) { return text == nullptr ? "" : text; }

// Reads what there is of a body, so that closing doesn't reset the connection before the client has
// read the answer. False: it is longer than allowed.
bool SkipBody(mg_connection* connection) {
  std::array<char, kAdminMaxBodyBytes + 1> ignored;
  size_t read = 0;
  while (read < ignored.size()) {
    const int n = mg_read(connection, ignored.data(), ignored.size() - read);
    if (n <= 0) return true;
    read += static_cast<size_t>(n);
  }
  return false;
}

// What the API says is JSON, also where it isn't asked.
AdminResponse Refused(const mg_request_info& request, int status, const std::string& why) {
  if (Text(request.local_uri).starts_with(kApiPrefix)) return JsonError(status, why);
  return PlainText(status, why + "\n");
}

// The library is C: nothing may be thrown through it.
AdminResponse RespondWithoutThrowing(mg_connection* connection, const mg_request_info& request,
                                     const AdminHandlers& handlers) {
  try {
    if (!SkipBody(connection)) return Refused(request, 413, "the body is too long; none is needed");
    // The library leaves further headers out without a word, and one of them may be what forbids
    // the request.
    if (request.num_headers >= MG_MAX_HEADERS) return Refused(request, 431, "too many headers");
    std::vector<AdminRequest::Header> headers;
    for (int i = 0; i < request.num_headers; ++i) {
      const mg_header& header = request.http_headers[i];
      headers.push_back({Text(header.name), Text(header.value)});
    }
    return RespondTo({.method = Text(request.request_method),
                      .path = Text(request.local_uri),  // null for "OPTIONS *"
                      .query = Text(request.query_string),
                      .peer = Text(request.remote_addr),
                      .headers = headers},
                     handlers);
  } catch (const std::exception& error) {
    return Refused(request, 500, error.what());
  }
}

void Send(mg_connection* connection, const AdminResponse& response, bool with_body) {
  std::string message = "HTTP/1.1 " + std::to_string(response.status);
  message.append(" ").append(mg_get_response_code_text(connection, response.status));
  message.append("\r\nContent-Type: ").append(response.content_type);
  message.append("\r\nContent-Length: ").append(std::to_string(response.body.size()));
  if (!response.allow.empty()) message.append("\r\nAllow: ").append(response.allow);
  for (const std::string_view challenge : response.challenges) {
    if (!challenge.empty()) message.append("\r\nWWW-Authenticate: ").append(challenge);
  }
  if (!response.policy.empty()) {
    message.append("\r\nContent-Security-Policy: ").append(response.policy);
    message.append("\r\nReferrer-Policy: no-referrer");
  }
  message.append("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff");
  message.append("\r\nConnection: close\r\n\r\n");
  if (with_body) message.append(response.body);
  // A client that left needs no answer: the result does not matter.
  mg_write(connection, message.data(), message.size());
}

tl::expected<std::string, std::string> ListeningAddress(const AdminAddress& address) {
  std::array<unsigned char, sizeof(in6_addr)> ignored;
  const std::string port = std::to_string(address.port);
  if (::inet_pton(AF_INET, address.host.c_str(), ignored.data()) == 1) {
    return address.host + ":" + port;
  }
  if (::inet_pton(AF_INET6, address.host.c_str(), ignored.data()) != 1) {
    return tl::unexpected("not a numeric IP address: " + address.host);
  }
  // Debian 12 builds the library without it.
  if (mg_check_feature(MG_FEATURES_IPV6) == 0) {
    return tl::unexpected(
        "the civetweb library on this machine has no IPv6, use an IPv4 address instead of " +
        address.host);
  }
  return "[" + address.host + "]:" + port;
}

// The library's "cannot bind to ADDRESS: 98 (Address already in use)" becomes the part in
// parentheses.
std::string ReasonIn(std::string_view log, std::string_view otherwise) {
  const size_t open = log.rfind('(');
  const size_t close = log.rfind(')');
  if (log.starts_with("cannot bind") && open != log.npos && close != log.npos && open < close) {
    return std::string(log.substr(open + 1, close - open - 1));
  }
  return std::string(log.empty() ? otherwise : log);
}

// Threads inherit the mask of the thread that starts them.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &previous_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t previous_;
};

}  // namespace

// Called first for every request, and answers it whatever it is: the library does nothing of its
// own, no files, no directories, no scripts.
int AdminServer::Context::OnRequest(mg_connection* connection) {
  const mg_request_info* request = mg_get_request_info(connection);
  auto* context = static_cast<Context*>(request->user_data);
  ++context->answering;
  const AdminResponse response =
      RespondWithoutThrowing(connection, *request, context->HandlersNow());
  Send(connection, response, std::string_view(request->request_method) != "HEAD");
  --context->answering;
  return response.status;
}

// For what the library refuses itself, such as garbage or a request that took too long. Its own
// page would carry a date from gmtime(), which is not thread-safe.
int AdminServer::Context::OnError(mg_connection* connection, int status, const char*) {
  constexpr int kSent = 0;
  const char* reason = mg_get_response_code_text(connection, status);
  Send(connection, PlainText(status, std::string(reason) + "\n"), /*with_body=*/true);
  return kSent;
}

int AdminServer::Context::OnLog(const mg_connection* connection, const char* message) {
  constexpr int kDoNotPrint = 1;
  const mg_context* server = connection == nullptr ? nullptr : mg_get_context(connection);
  auto* context = server == nullptr ? nullptr : static_cast<Context*>(mg_get_user_data(server));
  if (context != nullptr && !context->is_started && context->start_log.empty()) {
    context->start_log = message;
  }
  return kDoNotPrint;
}

// The error is the library's reason.
std::optional<std::string> AdminServer::Context::Listen(const std::string& listen_on) {
  const std::string threads = std::to_string(kAdminThreads);
  const std::string timeout = std::to_string(kAdminRequestTimeoutMs);
  const std::string request_bytes = std::to_string(kAdminMaxRequestBytes);
  const char* options[] = {"listening_ports",
                           listen_on.c_str(),
                           "num_threads",
                           threads.c_str(),
                           "request_timeout_ms",
                           timeout.c_str(),
                           "max_request_size",
                           request_bytes.c_str(),
                           "enable_keep_alive",
                           "no",
                           "enable_auth_domain_check",
                           "no",
                           "decode_url",
                           "no",
                           nullptr};
  mg_callbacks callbacks{};
  callbacks.begin_request = &OnRequest;
  callbacks.http_error = &OnError;
  callbacks.log_message = &OnLog;
  std::array<char, 256> text{};
  unsigned code = 0;
  mg_error_data error{.code = &code, .text = text.data(), .text_buffer_size = text.size()};
  mg_init_data init{.callbacks = &callbacks, .user_data = this, .configuration_options = options};
  const SignalsBlocked blocked;
  server = mg_start2(&init, &error);
  if (server == nullptr) return ReasonIn(start_log, text.data());
  is_started = true;
  return std::nullopt;
}

tl::expected<std::unique_ptr<AdminServer>, std::string> AdminServer::Start(
    const AdminAddress& address, AdminHandlers handlers) {
  const tl::expected<std::string, std::string> listen_on = ListeningAddress(address);
  if (!listen_on) return tl::unexpected("admin endpoint: " + listen_on.error());
  auto context = std::make_unique<Context>();
  context->handlers = std::move(handlers);
  mg_init_library(MG_FEATURES_DEFAULT);
  if (const std::optional<std::string> reason = context->Listen(*listen_on)) {
    mg_exit_library();
    return tl::unexpected("admin endpoint: cannot listen on " + *listen_on + ": " + *reason);
  }
  mg_server_port bound{};
  mg_get_server_ports(context->server, 1, &bound);
  return std::unique_ptr<AdminServer>(
      new AdminServer(std::move(context), address.host, static_cast<uint16_t>(bound.port)));
}

AdminServer::AdminServer(std::unique_ptr<Context> context, std::string host, uint16_t port)
    : context_(std::move(context)), host_(std::move(host)), port_(port) {}

// The library's accepting thread looks at the stop flag only every 2 s, unless somebody connects.
AdminServer::~AdminServer() {
  constexpr std::chrono::milliseconds kBetweenNudges{10};
  constexpr int kLooksForAnswers = 200;
  const SignalsBlocked blocked;
  std::binary_semaphore stopped{0};
  // Once it is told to stop the library sends nothing more, not even an answer that is ready.
  for (int looks = kLooksForAnswers; looks > 0 && context_->answering > 0; --looks)
    (void)stopped.try_acquire_for(kBetweenNudges);
  std::thread stopper([this, &stopped] {
    mg_stop(context_->server);
    stopped.release();
  });
  while (!stopped.try_acquire_for(kBetweenNudges)) {
    std::array<char, 128> ignored;
    mg_connection* nudge =
        mg_connect_client(host_.c_str(), port_, /*use_ssl=*/0, ignored.data(), ignored.size());
    if (nudge != nullptr) mg_close_connection(nudge);
  }
  stopper.join();
  mg_exit_library();
}

}  // namespace poplar::metrics
