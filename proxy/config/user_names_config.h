#pragma once

#include <string>
#include <vector>

#include "proxy/config/field.h"

namespace poplar::config {

enum class NameCase { kLower, kKeep };
inline constexpr ChoiceName<NameCase> kNameCaseNames[] = {{NameCase::kLower, "lower"},
                                                          {NameCase::kKeep, "keep"}};

// A domain whose mailboxes are another's.
struct DomainAliasConfig {
  std::string domain;
  std::string same_as;

  bool operator==(const DomainAliasConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, DomainAliasConfig& c) {
  v.Text("domain", c.domain,
         {.help = "anna@ this domain ...", .required = true, .example = "example.net"});
  v.Text("same_as", c.same_as,
         {.help = "... and anna@ that one are one mailbox.",
          .required = true,
          .example = "example.org"});
}

// The domain of those who came by one host name.
struct ServerNameConfig {
  std::string name;
  std::string default_domain;

  bool operator==(const ServerNameConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, ServerNameConfig& c) {
  v.Text("name", c.name,
         {.help = "The host name that clients connect to, as TLS tells it (SNI).",
          .required = true,
          .example = "pop.example.com"});
  v.Text("default_domain", c.default_domain,
         {.help = "The domain that completes their names.",
          .required = true,
          .example = "example.com"});
}

// How the name that a client logs in by becomes the one name of a mailbox.
struct UserNamesConfig {
  NameCase letter_case = NameCase::kLower;
  std::string default_domain;
  std::vector<ServerNameConfig> server_names;
  std::string master_separator;
  std::string detail_separator;
  std::vector<DomainAliasConfig> domain_aliases;
  std::string aliases_file;

  bool operator==(const UserNamesConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, UserNamesConfig& c) {
  v.Choice("case", c.letter_case, kNameCaseNames,
           {.help = "lower: Anna and anna are one mailbox (ASCII letters). keep: they are two."});
  v.Text("default_domain", c.default_domain,
         {.help = "Completes names without a domain, so that anna and anna@example.org are one "
                  "mailbox. A listener may say another. Empty: names stay as they are."});
  v.List("server_names", c.server_names,
         {.help = "Default domains of those who connect by a name of their own. They come before "
                  "the listener's and this section's."});
  v.Text(
      "master_separator", c.master_separator,
      {.help = "With anna*admin, what is behind it (*) names the master user who opens anna's "
               "mailbox (Dovecot: auth_master_user_separator). Empty: names have no such part."});
  v.Text("detail_separator", c.detail_separator,
         {.help = "What is between it (+) and the domain is no part of the mailbox's name: "
                  "anna+lists@example.org is anna's. Empty: names have no such part."});
  v.List("domain_aliases", c.domain_aliases, {.help = "Domains that are another's."});
  v.Path("aliases_file", c.aliases_file,
         {.help = "A file of lines with two names each: a login name, and the mailbox that it "
                  "opens. Read anew when it changes. Empty: none."});
}

}  // namespace poplar::config
