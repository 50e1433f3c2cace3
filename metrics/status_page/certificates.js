// The certificates, and how long they are good for.

import {Rows} from "./rows.js";

// As kBad and kWarn in status_page.cc.
const BAD = 7;
const WARN = 21;

export class Certificates {
  #rows = new Rows(document.getElementById("certificates"), "certificate-row");

  show(status) {
    document.getElementById("no-certificates").dataset.count = status.certificates.length;
    this.#rows.show(status.certificates.map(({name, expires}, index) => {
      const days = Math.floor((expires - status.now) / 86400);
      return [index, {
        path: name, name: name.split("/").slice(-2).join("/"),
        expires: new Date(expires * 1000).toISOString().slice(0, 10),
        days, tone: days < BAD ? "bad" : days < WARN ? "warn" : "good",
      }];
    }));
  }
}
