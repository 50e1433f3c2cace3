#include "proxy/server/reloader.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "proxy/config/check.h"
#include "proxy/config/report.h"

namespace poplar::server {
namespace {

// Of one reload; the rest is told by its number.
constexpr size_t kLoggedMax = 100;

std::string Plural(size_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

// On one line.
std::string LineOf(const config::Problem& problem, const std::string& file) {
  std::string line = file;
  if (problem.at.line > 0)
    line += ":" + std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column);
  line += ": ";
  if (!problem.path.empty()) line += problem.path + ": ";
  line += problem.message;
  if (!problem.expected.empty()) line += "; expected: " + problem.expected;
  return line;
}

std::string Report(const config::Problems& problems, const config::Source& source) {
  std::ostringstream text;
  config::RenderReport(problems, source, config::Color::kNever, text);
  return text.str();
}

metrics::ReloadView ViewOf(const std::vector<config::Change>& changes) {
  metrics::ReloadView view{.applied = true, .changes = {}, .report = DescribeChanges(changes)};
  for (const config::Change& each : changes)
    view.changes.push_back({each.path, each.from, each.to, each.live});
  return view;
}

}  // namespace

std::string DescribeChanges(const std::vector<config::Change>& changes) {
  std::string now;
  std::string later;
  for (const config::Change& each : changes)
    (each.live ? now : later).append("  ").append(config::Text(each)).append("\n");
  std::string text = now.empty() ? "No setting has changed that takes effect at once; files were "
                                   "read anew.\n"
                                 : "Changed:\n" + now;
  if (!later.empty())
    text += "Takes effect with `poplar upgrade` or a restart; until then as before:\n" + later;
  return text;
}

Reloader::Reloader(config::LoadResult running, const Parts& parts)
    : server_(parts.server),
      log_(parts.log),
      clock_(parts.clock),
      inspector_(parts.inspector),
      path_(running.source.name),
      running_(std::move(running)),
      watched_(FilesOf(running_.config, running_)),
      watch_(Watch(watched_)),
      drain_(running_.config.drain) {
  thread_ = std::thread([this] { Run(); });
  server_.OnReloadAsked([this] { return Reload("admin endpoint"); });
}

Reloader::~Reloader() {
  server_.OnReloadAsked(nullptr);
  {
    const std::lock_guard lock(touched_mutex_);
    stopped_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Reloader::Touch(bool Touched::* what) {
  {
    const std::lock_guard lock(touched_mutex_);
    touched_.*what = true;
  }
  wake_.notify_one();
}

void Reloader::Run() {
  for (;;) {
    std::unique_lock lock(touched_mutex_);
    answering_ = false;
    wake_.wait(lock, [this] { return stopped_ || touched_.any(); });
    if (stopped_) return;
    const Touched touched = std::exchange(touched_, {});
    answering_ = !touched.asked.empty();
    lock.unlock();
    LookAt(touched);
  }
}

void Reloader::LookAt(const Touched& touched) {
  if (!touched.asked.empty()) return (void)Reload(touched.asked);
  if (touched.config) return (void)Reload("its file has changed");
  const std::lock_guard lock(running_mutex_);
  (void)Take(config::LoadAgain(running_.source, inspector_, clock_.UnixMicros() / 1'000'000),
             "a file that it names has changed");
}

void Reloader::ReloadSoon(std::string_view why) {
  {
    const std::lock_guard lock(touched_mutex_);
    touched_.asked = why;
  }
  wake_.notify_one();
}

bool Reloader::busy() {
  const std::lock_guard lock(touched_mutex_);
  return answering_ || !touched_.asked.empty();
}

metrics::ReloadView Reloader::Reload(std::string_view why) {
  const std::lock_guard lock(running_mutex_);
  return Take(config::Load(path_, inspector_, clock_.UnixMicros() / 1'000'000), why);
}

config::DrainConfig Reloader::drain() {
  const std::lock_guard lock(drain_mutex_);
  return drain_;
}

metrics::ReloadView Reloader::Take(config::LoadResult wanted, std::string_view why) {
  if (!wanted.ok()) return Refuse(why, wanted, wanted.problems);
  config::Changes changes =
      config::Compare({running_.config, running_.positions, running_.references.values},
                      {wanted.config, wanted.positions, wanted.references.values});
  const bool is_mixed = std::any_of(changes.all.begin(), changes.all.end(),
                                    [](const config::Change& each) { return !each.live; });
  if (is_mixed) {
    auto misfits = config::CheckMeaning(changes.applied, {});
    config::MaskValues(wanted.references.values, misfits);
    if (config::HasErrors(misfits)) return Refuse(why, wanted, misfits);
  }
  // Before the server reads the files: what changes behind that is told.
  Watched watched = FilesOf(changes.applied, wanted);
  auto watch = watched == watched_ ? nullptr : Watch(watched);
  auto done = server_.Reload(running_.config, changes.applied);
  if (!done) return Refuse(why, done.error());
  if (watch != nullptr) watch_ = std::move(watch);
  watched_ = std::move(watched);

  metrics::ReloadView view = ViewOf(changes.all);
  if (!wanted.problems.empty()) view.report += Report(wanted.problems, wanted.source);
  LogChanges(why, changes.all);
  running_ = std::move(wanted);
  running_.config = std::move(changes.applied);
  {
    const std::lock_guard lock(drain_mutex_);
    drain_ = running_.config.drain;
  }
  server_.CountReload(true);
  return view;
}

metrics::ReloadView Reloader::Refuse(std::string_view why, const config::LoadResult& wanted,
                                     const config::Problems& problems) {
  server_.CountReload(false);
  const auto errors = static_cast<size_t>(std::count_if(
      problems.begin(), problems.end(),
      [](const config::Problem& each) { return each.severity == config::Severity::kError; }));
  log_.Error("reload (" + std::string(why) +
             ") refused, the configuration before stays in force: " + Plural(errors, "error"));
  size_t told = 0;
  for (const config::Problem& each : problems) {
    if (each.severity == config::Severity::kError && told++ < kLoggedMax)
      log_.Error("reload: " + LineOf(each, wanted.source.name));
  }
  std::string report = Report(problems, wanted.source);
  if (&problems != &wanted.problems) {
    report +=
        "Settings that need a restart keep their values, and with those the new ones don't "
        "fit together: restart Poplar to take them all.\n";
  }
  return {.applied = false, .changes = {}, .report = std::move(report)};
}

metrics::ReloadView Reloader::Refuse(std::string_view why, const std::string& fault) {
  server_.CountReload(false);
  log_.Error("reload (" + std::string(why) +
             ") refused, the configuration before stays in force: " + fault);
  return {.applied = false, .changes = {}, .report = path_ + ": error: " + fault + "\n"};
}

void Reloader::LogChanges(std::string_view why, const std::vector<config::Change>& changes) {
  log_.Info("reload (" + std::string(why) + ") applied: " + Plural(changes.size(), "setting") +
            " changed; certificates, keys and all other files "
            "that the configuration names are read anew");
  for (size_t i = 0; i < std::min(changes.size(), kLoggedMax); ++i) {
    const std::string text = "reload: " + config::Text(changes[i]);
    if (changes[i].live) {
      log_.Info(text);
    } else {
      log_.Warning(text + ": takes effect with `poplar upgrade` or a restart");
    }
  }
}

Reloader::Watched Reloader::FilesOf(const config::Config& config,
                                    const config::LoadResult& loaded) const {
  Watched watched;
  watched.files = config::WatchedFiles(config);
  const auto& references = loaded.references.files;
  watched.files.insert(watched.files.end(), references.begin(), references.end());
  std::sort(watched.files.begin(), watched.files.end());
  watched.files.erase(std::unique(watched.files.begin(), watched.files.end()), watched.files.end());
  if (config.reload_on_change) watched.config = path_;
  return watched;
}

std::unique_ptr<io::FileWatch> Reloader::Watch(const Watched& watched) {
  std::vector<io::FileWatch::File> files;
  files.reserve(watched.files.size() + 1);
  for (const std::string& file : watched.files)
    files.push_back({file, [this] { Touch(&Touched::files); }});
  if (!watched.config.empty())
    files.push_back({watched.config, [this] { Touch(&Touched::config); }});
  return std::make_unique<io::FileWatch>(std::move(files));
}

}  // namespace poplar::server
