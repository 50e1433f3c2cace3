#include "metrics/trace_page.h"

#include "metrics/json.h"

namespace poplar::metrics {
namespace {

std::string ObjectOf(const TraceView& trace) {
  return JsonObject()
      .Number("id", trace.id)
      .Text(trace.kind, trace.of)
      .Text("file", trace.file)
      .Number("began", static_cast<uint64_t>(trace.began))
      .Number("until", static_cast<uint64_t>(trace.until))
      .Number("lines", trace.lines)
      .Number("bytes", trace.bytes)
      .Number("dropped", trace.dropped)
      .End();
}

}  // namespace

std::string TraceAsJson(const TraceView& trace) { return ObjectOf(trace) + "\n"; }

std::string TracesAsJson(const std::vector<TraceView>& traces) {
  std::string list = "[";
  for (const TraceView& trace : traces)
    list.append(list.size() == 1 ? "" : ",").append(ObjectOf(trace));
  return JsonObject().Raw("traces", list + "]").End() + "\n";
}

}  // namespace poplar::metrics
