// What went wrong and why: logins, sessions, handshakes, and clients turned away.

import {KEPT} from "./history.js";
import {Rows} from "./rows.js";

// As kPlaces and IsFailure in status_page.cc.
const PLACES = {logins: "Login", ends: "Session", handshake_failures: "TLS handshake", rejected: "Turned away"};
const GOOD = {logins: "ok", ends: "quit"};

export class Failures {
  #rows = new Rows(document.getElementById("failures"), "failure-row");

  show(history) {
    const latest = history.latest;
    const before = history.before(KEPT);
    const found = [];
    for (const [place, what] of Object.entries(PLACES)) {
      for (const [reason, count] of Object.entries(latest[place] ?? {})) {
        if (count === 0 || GOOD[place] === reason) continue;
        found.push([`${place}/${reason}`, {what, reason, count, recent: count - (before[place]?.[reason] ?? 0)}]);
      }
    }
    found.sort(([, one], [, other]) => other.recent - one.recent || other.count - one.count);
    this.#rows.show(found);
    document.getElementById("no-failures").dataset.count = found.length;
  }
}
