#include "proxy/server/session_line.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "proxy/pop3/ascii.h"
#include "proxy/upstream/client_origin.h"

namespace poplar::server {
namespace {

// JSON's escapes; logfmt readers take the same inside quotes. A byte over 127 is written as the
// code point of its number.
void AppendEscaped(std::string& line, std::string_view value) {
  const auto is_plain = [](char c) { return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\'; };
  while (!value.empty()) {
    const auto end = std::find_if_not(value.begin(), value.end(), is_plain);
    const auto plain = static_cast<size_t>(end - value.begin());
    line.append(value.substr(0, plain));
    if (plain == value.size()) return;
    const char c = value[plain];
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else {
      fmt::format_to(std::back_inserter(line), "\\u{:04x}", static_cast<unsigned char>(c));
    }
    value.remove_prefix(plain + 1);
  }
}

// Quotes and backslashes mean nothing there.
void AppendForJournal(std::string& fields, std::string_view value) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7e) {
      fmt::format_to(std::back_inserter(fields), "\\u{:04x}", byte);
    } else {
      fields += c;
    }
  }
}

// Of syslog (RFC 5424 section 6.2.1).
char PriorityOf(std::string_view level) {
  if (level == "error") return '3';
  if (level == "warning") return '4';
  return level == "debug" ? '7' : '6';
}

bool NeedsNoQuotes(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '=' && c != '\\';
  });
}

// With leading zeros.
void PutDigits(std::string& text, size_t at, size_t count, int64_t value) {
  for (size_t i = count; i > 0; --i, value /= 10)
    text[at + i - 1] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::string UtcTime(int64_t unix_micros) {
  const time_t seconds = unix_micros / 1'000'000;
  tm utc{};
  gmtime_r(&seconds, &utc);
  std::string text = "0000-00-00T00:00:00.000000";
  PutDigits(text, 0, 4, utc.tm_year + 1900);
  PutDigits(text, 5, 2, utc.tm_mon + 1);
  PutDigits(text, 8, 2, utc.tm_mday);
  PutDigits(text, 11, 2, utc.tm_hour);
  PutDigits(text, 14, 2, utc.tm_min);
  PutDigits(text, 17, 2, utc.tm_sec);
  PutDigits(text, 20, 6, unix_micros % 1'000'000);
  return text;
}

StructuredLine::StructuredLine(LineFormat format, int64_t unix_micros, std::string_view level,
                               std::string_view event)
    : format_(format) {
  line_.reserve(768);
  if (format_ == LineFormat::kJournal) {  // which has a time of its own
    fields_.reserve(1536);
    fields_ = "SYSLOG_IDENTIFIER=poplar\nPRIORITY=";
    fields_ += PriorityOf(level);
    fields_ += '\n';
  } else {
    Text("time", UtcTime(unix_micros) + "Z").Text("level", level);
  }
  Text("event", event);
}

void StructuredLine::Put(std::string_view name, std::string_view value, bool quoted) {
  if (format_ == LineFormat::kJson) {
    line_ += line_.empty() ? "{\"" : ",\"";
    line_ += name;
    line_ += "\":";
  } else {
    if (!line_.empty()) line_ += ' ';
    line_ += name;
    line_ += '=';
  }
  if (quoted) line_ += '"';
  AppendEscaped(line_, value);
  if (quoted) line_ += '"';
  if (format_ == LineFormat::kJournal) PutField(name, value);
}

void StructuredLine::PutField(std::string_view name, std::string_view value) {
  if (name == "message") {
    AppendForJournal(message_, value);
    return;
  }
  fields_ += "POPLAR_";
  std::transform(name.begin(), name.end(), std::back_inserter(fields_), pop3::ToUpper);
  fields_ += '=';
  AppendForJournal(fields_, value);
  fields_ += '\n';
}

StructuredLine& StructuredLine::Text(std::string_view name, std::string_view value) {
  Put(name, value, format_ == LineFormat::kJson || !NeedsNoQuotes(value));
  return *this;
}

StructuredLine& StructuredLine::Number(std::string_view name, uint64_t value) {
  const fmt::format_int text(value);
  Put(name, {text.data(), text.size()}, false);
  return *this;
}

StructuredLine& StructuredLine::Millis(std::string_view name, io::Duration value) {
  const auto micros = std::chrono::round<std::chrono::microseconds>(value).count();
  std::string text = micros < 0 ? "-" : "";
  text += fmt::format_int(std::abs(micros) / 1000).c_str();
  const size_t whole = text.size();
  text += ".000";
  PutDigits(text, whole + 1, 3, std::abs(micros) % 1000);
  Put(name, text, false);
  return *this;
}

StructuredLine& StructuredLine::Flag(std::string_view name, bool value) {
  Put(name, value ? "true" : "false", false);
  return *this;
}

std::string StructuredLine::Take() {
  if (format_ == LineFormat::kJson) line_ += '}';
  if (format_ != LineFormat::kJournal) return std::move(line_);
  fields_ += "MESSAGE=";
  fields_ += message_.empty() ? line_ : message_;
  fields_ += '\n';
  return std::move(fields_);
}

std::string SessionLine(LineFormat format, int64_t unix_micros, const session::Record& record) {
  StructuredLine line(format, unix_micros, "info", "session");
  line.Text("id", upstream::SessionName(record.id))
      .Text("client", record.client.Host())
      .Number("client_port", record.client.port())
      .Text("listener", record.listener)
      .Text("user", record.user)
      .Text("node", record.node)
      .Text("lease", record.lease)
      .Text("tls_version", record.tls_version)
      .Text("tls_cipher", record.tls_cipher)
      .Flag("tls_resumed", record.tls_resumed)
      .Flag("logged_in", record.logged_in)
      .Flag("opaque", record.opaque)
      .Flag("parked", record.parked)
      .Number("messages", record.messages)
      .Number("bytes", record.message_bytes)
      .Number("deletes", record.deletes)
      .Number("commands", record.commands)
      .Number("bytes_in", record.bytes_from_client)
      .Number("bytes_out", record.bytes_to_client)
      .Millis("duration_ms", record.total);
  if (!record.route.empty()) line.Text("route", record.route);
  if (!record.move.empty()) line.Text("move", record.move);
  if (!record.mechanism.empty()) line.Text("mechanism", record.mechanism);
  if (record.balancer) line.Text("balancer", record.balancer->Host());
  if (record.stls) line.Flag("stls", true);
  if (record.handshake) line.Millis("handshake_ms", *record.handshake);
  if (record.login) {
    line.Millis("login_ms", *record.login)
        .Millis("connect_ms", record.connect)
        .Millis("node_tls_ms", record.node_tls)
        .Millis("greeting_ms", record.greeting)
        .Millis("auth_ms", record.authentication);
  }
  if (record.lookup > io::Duration::zero()) line.Millis("lookup_ms", record.lookup);
  if (record.delayed) line.Millis("delayed_ms", *record.delayed);
  if (record.queued) line.Millis("queued_ms", *record.queued);
  if (record.snapshot) line.Millis("snapshot_ms", *record.snapshot);
  if (record.resumes > 0) line.Number("resumes", record.resumes);
  if (record.stalled > io::Duration::zero()) line.Millis("stalled_ms", record.stalled);
  if (!record.not_resumed.empty()) line.Text("not_resumed", record.not_resumed);
  if (!record.failure.empty()) line.Text("failure", record.failure);
  return line.Text("reason", Name(record.reason)).Text("side", Name(SideOf(record.reason))).Take();
}

}  // namespace poplar::server
