#pragma once

#include <chrono>
#include <list>

#include "proxy/io/clock.h"
#include "proxy/io/proactor.h"
#include "proxy/io/sync.h"
#include "proxy/io/task.h"

namespace poplar::demo {

struct ServiceSettings {
  io::Duration time{};   // that a message takes, on average; 0: none
  double spread = 0;     // sigma of its logarithm (the times are log-normal); 0: always the average
  unsigned at_once = 0;  // messages that are served side by side, others queue; 0: all
  io::Duration stall_every{};  // from one stall's end to the next's begin, on average; 0: none
  io::Duration stall_shortest = std::chrono::seconds(5);
  io::Duration stall_longest = std::chrono::seconds(12);
};

// When a node stalls: at random, by itself and not by what is asked of it. Without I/O.
class Stalls {
 public:
  // `random` belongs to the stalls alone, so that they come at the same times whatever else
  // happens.
  Stalls(const ServiceSettings& settings, io::Time start, io::Random& random);

  // What is left of the stall that there is at `now`; 0: there is none. `now` never goes back.
  io::Duration Left(io::Time now);

 private:
  void Next(io::Time after);

  const ServiceSettings settings_;
  io::Random& random_;
  io::Time begin_ = io::Time::max();
  io::Time end_ = io::Time::max();
};

// What a mail node's disks and processors do to its answers. One node's; on one thread.
class ServiceModel {
 public:
  ServiceModel(io::Proactor& proactor, const ServiceSettings& settings, io::Random& times,
               io::Random& stalls);
  ServiceModel(const ServiceModel&) = delete;
  ServiceModel& operator=(const ServiceModel&) = delete;

  // Before each answer: waits while the node stalls.
  io::Task<void> Answer();
  // Before a message is sent: waits for its turn, and for the time that it takes.
  io::Task<void> Message();

  // All waits end, and there are none from here on.
  void Stop();

 private:
  io::Duration ServiceTime();
  io::Task<void> Pause(io::Duration length);
  io::Task<void> TakePlace();
  void LeavePlace();

  io::Proactor& proactor_;
  const ServiceSettings settings_;
  io::Random& times_;
  Stalls stalls_;
  unsigned taken_ = 0;            // places
  std::list<io::Event*> queue_;   // for a place, in order
  std::list<io::Event*> pauses_;  // in order of arrival, so that Stop is deterministic
  bool stopped_ = false;
};

}  // namespace poplar::demo
