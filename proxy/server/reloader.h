#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "metrics/reload_view.h"
#include "proxy/config/certificate_inspector.h"
#include "proxy/config/changes.h"
#include "proxy/config/load.h"
#include "proxy/io/clock.h"
#include "proxy/io/file_watch.h"
#include "proxy/server/log.h"
#include "proxy/server/server.h"

namespace poplar::server {

// Gives a running server its configuration anew: the file's, at an operator's word or, where it
// says so, when it has changed; and the last one that was taken, when a file has changed that it
// names (a certificate, a password): what somebody is just editing waits for the word. All or
// nothing: on any error everything stays as it was, and the log says why.
class Reloader {
 public:
  struct Parts {
    Server& server;
    Log& log;
    const io::Clock& clock;
    config::CertificateInspector& inspector;
  };

  // `running`: as the server was started with. All parts outlive it. Watches from here on.
  Reloader(config::LoadResult running, const Parts& parts);
  ~Reloader();
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;

  // Any thread; blocks until it is done. `why`: by whose word, for the log.
  metrics::ReloadView Reload(std::string_view why);

  // The same on the reloader's own thread: names may have to be looked up, and name servers may not
  // answer. Any thread. One that waits for its turn stands for all that are asked for meanwhile.
  void ReloadSoon(std::string_view why);
  // Whether one of those isn't over yet. Any thread.
  bool busy();

  // How the process is to end, as last taken. Any thread; doesn't wait for a reload under way.
  config::DrainConfig drain();

 private:
  // What has changed since it was last looked at.
  struct Touched {
    bool config = false;  // the configuration file
    bool files = false;   // some of those that it names
    std::string asked;    // by whose word a reload is due, whatever has changed; empty: none is
    bool any() const { return config || files || !asked.empty(); }
  };

  struct Watched {
    std::vector<std::string> files;
    std::string config;  // empty: it isn't
    bool operator==(const Watched&) const = default;
  };

  void Run();
  void Touch(bool Touched::* what);
  void LookAt(const Touched& touched);
  // With running_mutex_.
  metrics::ReloadView Take(config::LoadResult wanted, std::string_view why);
  metrics::ReloadView Refuse(std::string_view why, const config::LoadResult& wanted,
                             const config::Problems& problems);
  metrics::ReloadView Refuse(std::string_view why, const std::string& fault);
  void LogChanges(std::string_view why, const std::vector<config::Change>& changes);
  Watched FilesOf(const config::Config& config, const config::LoadResult& loaded) const;
  std::unique_ptr<io::FileWatch> Watch(const Watched& watched);

  Server& server_;
  Log& log_;
  const io::Clock& clock_;
  config::CertificateInspector& inspector_;
  const std::string path_;

  std::mutex touched_mutex_;
  std::condition_variable wake_;
  Touched touched_;         // guarded by touched_mutex_, as the next two
  bool answering_ = false;  // a ReloadSoon
  bool stopped_ = false;

  std::mutex running_mutex_;
  config::LoadResult running_;  // guarded by running_mutex_, as the next two
  Watched watched_;
  std::unique_ptr<io::FileWatch> watch_;

  std::mutex drain_mutex_;
  config::DrainConfig drain_;  // guarded by drain_mutex_

  std::thread thread_;
};

// For people: what was changed, and what waits for the next start.
std::string DescribeChanges(const std::vector<config::Change>& changes);

}  // namespace poplar::server
