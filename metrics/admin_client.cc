#include "metrics/admin_client.h"

#include <civetweb.h>

#include <array>
#include <memory>

namespace poplar::metrics {
namespace {

class Library {
 public:
  Library() { mg_init_library(MG_FEATURES_DEFAULT); }
  ~Library() { mg_exit_library(); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
};

using Connection = std::unique_ptr<mg_connection, decltype(&mg_close_connection)>;

// False: there is more than there may be.
bool ReadBody(mg_connection* connection, std::string& body) {
  std::array<char, 16384> piece;
  for (;;) {
    const int n = mg_read(connection, piece.data(), piece.size());
    if (n <= 0) return true;
    if (body.size() + static_cast<size_t>(n) > kAdminAnswerBytesMax) return false;
    body.append(piece.data(), static_cast<size_t>(n));
  }
}

// The library's words, with a reason in parentheses: "connect(127.0.0.1:9995): error Connection
// refused".
std::string Reason(std::string_view text) {
  constexpr std::string_view kMark = ": error ";
  const size_t at = text.rfind(kMark);
  return std::string(at == text.npos ? text : text.substr(at + kMark.size()));
}

}  // namespace

tl::expected<AdminAnswer, std::string> AskAdmin(const AdminAddress& address,
                                                std::string_view method, std::string_view target,
                                                std::string_view token, int timeout_ms) {
  const Library library;
  std::array<char, 256> error{};
  const Connection connection(mg_connect_client(address.host.c_str(), address.port, /*use_ssl=*/0,
                                                error.data(), error.size()),
                              &mg_close_connection);
  if (connection == nullptr) return tl::unexpected(Reason(error.data()));
  std::string request(method);
  request.append(" ").append(target).append(" HTTP/1.0\r\nHost: ").append(address.host);
  if (!token.empty()) request.append("\r\nAuthorization: Bearer ").append(token);
  request.append("\r\nContent-Length: 0\r\n\r\n");
  mg_write(connection.get(), request.data(), request.size());
  if (mg_get_response(connection.get(), error.data(), error.size(), timeout_ms) < 0)
    return tl::unexpected(Reason(error.data()));
  AdminAnswer answer;
  answer.status = mg_get_response_info(connection.get())->status_code;
  if (!ReadBody(connection.get(), answer.body))
    return tl::unexpected(std::string("the answer is too long"));
  return answer;
}

}  // namespace poplar::metrics
