// Asks Poplar every two seconds how it is, and shows it.

import {read} from "./api.js";
import {Certificates} from "./certificates.js";
import {Changes} from "./changes.js";
import {Charts} from "./charts.js";
import {Failures} from "./failures.js";
import {Find} from "./find.js";
import {History} from "./history.js";
import {Nodes} from "./nodes.js";
import {Notice} from "./notice.js";
import {Token} from "./token.js";
import {duration, moment} from "./words.js";

const EVERY = 2000;

document.documentElement.classList.add("live");
const history = new History();
const charts = new Charts(document.getElementById("charts"));
const nodes = new Nodes();
const failures = new Failures();
const certificates = new Certificates();
const notice = new Notice();
const find = new Find();
const changes = new Changes(new Token(), notice, () => poll());

function put(id, text) {
  const element = document.getElementById(id);
  if (element.textContent !== text) element.textContent = text;
  return element;
}

// As ReadinessOf in status_page.cc.
function readinessOf(status) {
  if (status.draining) return ["draining", "warn"];
  return status.ready ? ["ready", "good"] : ["not ready", "bad"];
}

function showTop(status) {
  const [readiness, tone] = readinessOf(status);
  put("readiness", readiness).dataset.tone = tone;
  document.title = `Poplar: ${readiness}`;
  put("version", status.version);
  put("uptime", duration(status.now - status.started)).title = `since ${moment(status.started)}`;
  put("sessions", status.sessions.toLocaleString("en"));
  put("listeners", status.listeners.map(({name, address}) => `${name} ${address}`).join(", "));
  put("workers", `${status.workers} on ${status.io}`);
  put("io-note", status.io_note);
  document.getElementById("shares").hidden = put("shared-state", status.shared_state).textContent === "";
}

async function refresh() {
  const [status, {clusters}] = await Promise.all([read("api/v1/status"), read("api/v1/nodes")]);
  history.add(status);
  showTop(status);
  nodes.show(clusters);
  charts.add(history);
  failures.show(history);
  certificates.show(status);
  find.offer(status.listeners);
  await find.refresh();
}

let lastAnswer = Date.now();
let polling;

// One at a time; whoever comes meanwhile gets the same.
function poll() {
  polling ??= refresh().then(() => {
    lastAnswer = Date.now();
    notice.found();
  }, (error) => {
    const since = Math.round((Date.now() - lastAnswer) / 1000);
    notice.lost(`${error.message}; what is shown is ${since} s old. Trying again every 2 s.`);
  }).finally(() => {
    polling = undefined;
  });
  return polling;
}

async function run() {
  for (;;) {
    await poll();
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}

run();
