#include "metrics/status_json.h"

#include "metrics/json.h"

namespace poplar::metrics {
namespace {

std::string CountsAsJson(const Counts& counts) {
  JsonObject json;
  for (const auto& [name, count] : counts) json.Number(name, count);
  return json.End();
}

std::string HistogramAsJson(const HistogramTotal& histogram) {
  std::string buckets = "[";
  for (const HistogramTotal::Bucket& bucket : histogram.buckets) {
    buckets.append(buckets.size() == 1 ? "[" : ",[").append(JsonReal(bucket.bound));
    buckets.append(",").append(std::to_string(bucket.count)).append("]");
  }
  return JsonObject()
      .Raw("buckets", buckets + "]")
      .Number("count", histogram.count)
      .Real("sum", histogram.sum)
      .End();
}

std::string ListenersAsJson(const std::vector<StatusView::Listener>& listeners) {
  std::string list = "[";
  for (const StatusView::Listener& listener : listeners) {
    list.append(list.size() == 1 ? "" : ",");
    list.append(JsonObject()
                    .Text("name", listener.name)
                    .Text("address", listener.address)
                    .Number("sessions", listener.sessions)
                    .End());
  }
  return list + "]";
}

std::string CertificatesAsJson(const std::vector<StatusView::Certificate>& certificates) {
  std::string list = "[";
  for (const StatusView::Certificate& certificate : certificates) {
    list.append(list.size() == 1 ? "" : ",");
    list.append(JsonObject()
                    .Text("name", certificate.name)
                    .Raw("expires", std::to_string(certificate.expires))
                    .End());
  }
  return list + "]";
}

}  // namespace

std::string StatusAsJson(const StatusView& status) {
  return JsonObject()
             .Text("version", status.version)
             .Real("started", status.started)
             .Real("now", status.now)
             .Flag("ready", status.ready)
             .Flag("draining", status.draining)
             .Number("workers", status.workers)
             .Text("io", status.io)
             .Text("io_note", status.io_note)
             .Number("sessions", status.sessions)
             .Raw("listeners", ListenersAsJson(status.listeners))
             .Raw("certificates", CertificatesAsJson(status.certificates))
             .Raw("logins", CountsAsJson(status.logins))
             .Raw("ends", CountsAsJson(status.ends))
             .Raw("handshake_failures", CountsAsJson(status.handshake_failures))
             .Raw("rejected", CountsAsJson(status.rejected))
             .Raw("login_seconds", HistogramAsJson(status.login))
             .Raw("first_byte_seconds", HistogramAsJson(status.first_byte))
             .Raw("download_seconds", HistogramAsJson(status.download))
             .Raw("handshake_seconds", HistogramAsJson(status.handshake))
             .Number("messages", status.messages)
             .Number("bytes_to_clients", status.bytes_to_clients)
             .Number("bytes_from_clients", status.bytes_from_clients)
             .Number("waits", status.waits)
             .Text("shared_state", status.shared_state)
             .End() +
         "\n";
}

}  // namespace poplar::metrics
