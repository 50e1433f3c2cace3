#include "proxy/io/hosts_file.h"

#include <strings.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace poplar::io {

std::vector<Address> LookUpInHostsFile(const std::string& path, std::string_view name,
                                       uint16_t port, size_t most) {
  if (name.ends_with('.')) name.remove_suffix(1);
  const std::string bare(name);
  std::vector<Address> all;
  std::ifstream file(path);
  for (std::string line; all.size() < most && std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string address_text;
    words >> address_text;
    bool named = false;
    for (std::string each; !named && words >> each;) {
      named = strcasecmp(each.c_str(), bare.c_str()) == 0;
    }
    const auto address = named ? Address::Parse(address_text, port) : std::nullopt;
    if (address && std::find(all.begin(), all.end(), *address) == all.end()) {
      all.push_back(*address);
    }
  }
  return all;
}

}  // namespace poplar::io
