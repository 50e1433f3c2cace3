#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace poplar::balancer {

// One rule of which users are meant. All conditions that it names must hold; one that is empty
// holds for everybody.
struct RouteRule {
  std::string name;
  std::vector<std::string> domains;       // example.org, or .example.org for all below it
  std::string users;                      // RE2, of the whole canonical name; bytes, not UTF-8
  std::vector<std::string> server_names;  // host names that clients connected by (SNI)
  std::vector<size_t> listeners;          // by number
};

// Of a login.
struct RouteQuery {
  std::string_view user;              // canonical
  std::string_view server_name = {};  // a stranger's bytes; empty: none
  size_t listener = 0;
};

// Rules in their order. Immutable, safe from any thread. Matching takes time linear in the name's
// length and allocates nothing to speak of.
class RouteTable {
 public:
  struct Error {
    size_t rule;
    std::string text;  // what is wrong with its regular expression
  };

  static tl::expected<std::shared_ptr<const RouteTable>, Error> Build(std::vector<RouteRule> rules);
  // Why the text is no regular expression; empty: it is one.
  static std::string WhyInvalid(std::string_view users);
  ~RouteTable();

  // The first rule, from number `from` on, that holds for the login; size() when none does.
  size_t Match(const RouteQuery& query, size_t from = 0) const;

  size_t size() const { return rules_.size(); }
  const std::string& name(size_t rule) const { return rules_[rule].name; }
  const RouteRule& rule(size_t rule) const { return rules_[rule]; }

 private:
  struct Compiled;

  RouteTable();

  std::vector<RouteRule> rules_;    // host names in lower case
  std::vector<Compiled> compiled_;  // parallel to rules_
};

}  // namespace poplar::balancer
