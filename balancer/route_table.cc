#include "balancer/route_table.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

namespace poplar::balancer {
namespace {

// Of one compiled expression, so that none that an operator writes takes the machine.
constexpr int64_t kExpressionBytesMax = int64_t{1} << 20;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

void ToLower(std::vector<std::string>& names) {
  for (std::string& name : names) std::transform(name.begin(), name.end(), name.begin(), Lower);
}

// `name` is in lower case.
bool SameHost(std::string_view name, std::string_view presented) {
  return std::equal(name.begin(), name.end(), presented.begin(), presented.end(),
                    [](char a, char b) { return a == Lower(b); });
}

bool InDomain(std::string_view domain, std::string_view condition) {
  return condition.starts_with('.') ? domain.ends_with(condition) : domain == condition;
}

bool DomainFits(const RouteRule& rule, std::string_view user) {
  if (rule.domains.empty()) return true;
  const size_t at = user.rfind('@');
  if (at == std::string_view::npos) return false;
  const std::string_view domain = user.substr(at + 1);
  return std::any_of(rule.domains.begin(), rule.domains.end(),
                     [domain](const std::string& each) { return InDomain(domain, each); });
}

bool ServerNameFits(const RouteRule& rule, std::string_view presented) {
  return rule.server_names.empty() ||
         std::any_of(rule.server_names.begin(), rule.server_names.end(),
                     [presented](const std::string& each) { return SameHost(each, presented); });
}

bool ListenerFits(const RouteRule& rule, size_t listener) {
  return rule.listeners.empty() ||
         std::find(rule.listeners.begin(), rule.listeners.end(), listener) != rule.listeners.end();
}

std::unique_ptr<re2::RE2> Compile(std::string_view expression) {
  re2::RE2::Options options(re2::RE2::Latin1);
  options.set_log_errors(false);
  options.set_max_mem(kExpressionBytesMax);
  options.set_never_capture(true);
  return std::make_unique<re2::RE2>(re2::StringPiece(expression.data(), expression.size()),
                                    options);
}

}  // namespace

struct RouteTable::Compiled {
  std::unique_ptr<re2::RE2> users;  // null: everybody

  bool UserFits(std::string_view user) const {
    return users == nullptr ||
           re2::RE2::FullMatch(re2::StringPiece(user.data(), user.size()), *users);
  }
};

RouteTable::RouteTable() = default;
RouteTable::~RouteTable() = default;

std::string RouteTable::WhyInvalid(std::string_view users) {
  const auto compiled = Compile(users);
  return compiled->ok() ? std::string() : compiled->error();
}

tl::expected<std::shared_ptr<const RouteTable>, RouteTable::Error> RouteTable::Build(
    std::vector<RouteRule> rules) {
  std::shared_ptr<RouteTable> table(new RouteTable());
  for (RouteRule& rule : rules) {
    ToLower(rule.domains);
    ToLower(rule.server_names);
    Compiled& compiled = table->compiled_.emplace_back();
    if (!rule.users.empty()) compiled.users = Compile(rule.users);
    if (compiled.users != nullptr && !compiled.users->ok())
      return tl::unexpected(Error{table->compiled_.size() - 1, compiled.users->error()});
  }
  table->rules_ = std::move(rules);
  return table;
}

size_t RouteTable::Match(const RouteQuery& query, size_t from) const {
  for (size_t i = from; i < rules_.size(); ++i) {
    const RouteRule& rule = rules_[i];
    if (ListenerFits(rule, query.listener) && DomainFits(rule, query.user) &&
        ServerNameFits(rule, query.server_name) && compiled_[i].UserFits(query.user)) {
      return i;
    }
  }
  return rules_.size();
}

}  // namespace poplar::balancer
