#pragma once

#include <cstdint>
#include <string>

#include "proxy/config/certificate_inspector.h"
#include "proxy/config/config.h"
#include "proxy/config/name_inspector.h"
#include "proxy/config/positions.h"
#include "proxy/config/problem.h"
#include "proxy/config/references.h"
#include "proxy/config/source.h"

namespace poplar::config {

struct LoadResult {
  Source source;
  Config config;  // fit for use only without errors
  Positions positions;
  ResolvedReferences references;
  Problems problems;

  bool ok() const { return !HasErrors(problems); }
};

// Reads and checks the file: the one way in, for `serve` as for `check`. `now` in seconds since
// 1970 UTC. `names`, where given, looks up the host names of a configuration without errors.
LoadResult Load(const std::string& path, CertificateInspector& inspector, int64_t now,
                NameInspector* names = nullptr);

// The same for a text that was read before: only what it refers to is read anew.
LoadResult LoadAgain(const Source& source, CertificateInspector& inspector, int64_t now);

// Load without a look at the files that the configuration names: for questions that they don't
// bear on, from where they may be out of reach (keys). So may be what values refer to: such a
// setting is passed over.
LoadResult LoadWithoutFiles(const std::string& path);

}  // namespace poplar::config
