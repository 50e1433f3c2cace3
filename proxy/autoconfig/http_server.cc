#include "proxy/autoconfig/http_server.h"

#include <utility>

namespace poplar::autoconfig {

io::Result<io::Address> HttpServer::Listen(const io::Address& address, bool secure) {
  const io::Result<io::SocketId> socket = environment_.proactor.Listen(address, {});
  if (!socket) return tl::unexpected(socket.error());
  listening_.push_back({*socket, secure});
  return environment_.proactor.LocalAddress(*socket);
}

void HttpServer::Start(io::TaskScope& accepting) {
  for (const Listening& listening : listening_) accepting.Spawn(AcceptFrom(listening));
}

io::Task<void> HttpServer::AcceptFrom(Listening listening) {
  io::Proactor& proactor = environment_.proactor;
  for (;;) {
    const io::Result<io::Accepted> accepted = co_await proactor.Accept(listening.socket);
    if (!accepted) break;
    const std::shared_ptr<const Service> service = terms_.service;
    const bool has_room = service->connections->fetch_add(1) < service->connections_max;
    Place place;
    if (has_room && Admit(accepted->peer, place)) {
      environment_.visits.Spawn(Serve(*accepted, listening.secure, std::move(place)));
    } else {
      --*service->connections;
      environment_.observer.VisitEnded(accepted->peer, Form::kNone, Result::kRefused);
      proactor.Close(accepted->socket);
    }
  }
  proactor.Close(listening.socket);
}

bool HttpServer::Admit(const io::Address& client, Place& place) {
  const io::Time now = environment_.proactor.Now();
  auto admitted = environment_.limits.Admit(*terms_.policy, now);
  if (!admitted) return false;
  place = std::move(*admitted);
  if (place.Identify(*terms_.policy, {}, client, now)) return false;
  return !environment_.limits.TooManyUnauthenticated(*terms_.policy) ||
         environment_.newcomers.EndOldest();
}

io::Task<void> HttpServer::Serve(io::Accepted accepted, bool secure, Place place) {
  const std::shared_ptr<const Service> service = terms_.service;
  {
    Visit visit(environment_.proactor, service, environment_.observer, accepted, secure,
                std::move(place));
    environment_.newcomers.Add(visit);
    visits_.insert(&visit);
    if (aborting_) visit.Abort();  // accepted, but not begun when the others were ended
    co_await visit.Run();
    visits_.erase(&visit);
  }
  --*service->connections;
}

void HttpServer::StopAccepting() {
  for (const Listening& listening : std::exchange(listening_, {}))
    environment_.proactor.Abort(listening.socket);
}

void HttpServer::Abort() {
  aborting_ = true;
  for (Visit* visit : visits_) visit->Abort();
}

}  // namespace poplar::autoconfig
