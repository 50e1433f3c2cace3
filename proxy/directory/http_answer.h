#pragma once

#include "proxy/directory/answer.h"
#include "proxy/directory/http_message.h"

namespace poplar::directory {

// What a response of nginx's auth_http says. `Auth-Cluster: cluster/node` counts for more than
// Auth-Server and Auth-Port; 404 is a user whom the service doesn't know; Auth-Server may be a host
// name, and without Auth-Port: all are ours alone.
Answer ToAnswer(const HttpResponse& response);

}  // namespace poplar::directory
