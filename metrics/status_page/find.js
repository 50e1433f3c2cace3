// Where a user's login would go and why, and that user's live sessions.

import {read} from "./api.js";
import {Copy, Rows} from "./rows.js";
import {stateOf} from "./nodes.js";
import {bytes, seconds} from "./words.js";

const MOST_SESSIONS = 50;

function reasonsOf(route) {
  const reasons = [];
  if (route.canonical && route.canonical !== route.user) reasons.push(`The mailbox is ${route.canonical}.`);
  if (route.route) reasons.push(`Route “${route.route}” says the cluster.`);
  if (route.move) {
    reasons.push(`Move “${route.move.name}” from ${route.move.from} to ${route.move.to} ` +
                 (route.move.moved ? "has moved this user." : `has not moved this user yet (${route.move.percent} % are).`));
  }
  if (route.login) reasons.push(`There the user is called ${route.login}.`);
  if (route.session_node) reasons.push(`A session of this user is on ${route.session_node} now, and further ones follow it.`);
  for (const passed of route.passed ?? []) reasons.push(passed);
  for (const directory of route.asks_first ?? []) reasons.push(`Directory “${directory}” is asked first at a login; here nobody did.`);
  return reasons;
}

export class Find {
  #found = document.getElementById("found");
  #form = document.getElementById("find");
  #rows;
  #user = "";

  constructor() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask(this.#form.elements.user.value.trim(), this.#form.elements.listener.value);
    });
  }

  // Which listener matters only where there are several.
  offer(listeners) {
    const select = this.#form.elements.listener;
    if (select.options.length === listeners.length) return;
    select.replaceChildren(...listeners.map(({name}) => new Option(`on ${name}`, name)));
    select.hidden = listeners.length < 2;
  }

  async #ask(user, listener) {
    this.#user = "";
    try {
      this.#show(await read("api/v1/route", {user, listener}));
      this.#user = user;
      await this.refresh();
    } catch (error) {
      this.#say(error.message);
    }
  }

  #say(text) {
    const words = document.createElement("p");
    words.className = "wrong";
    words.textContent = text;
    this.#found.replaceChildren(words);
  }

  #show(route) {
    const nodes = route.nodes ?? [];
    const serving = nodes.find((node) => node.now?.in_service ?? true);
    const node = route.session_node ?? route.node ?? serving?.name ?? "no node";
    const copy = new Copy("route").update({...route, node});
    this.#found.replaceChildren(...copy.elements);
    this.#found.querySelector(".why").replaceChildren(...reasonsOf(route).map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
    new Rows(this.#found.querySelector(".choices tbody"), "choice-row").show(nodes.map((node, index) => {
      const [state, tone] = node.now ? stateOf(node.now) : [node.state, ""];
      return [node.name, {place: index + 1, node: node.name, state, tone, reason: node.reason}];
    }));
    this.#rows = new Rows(this.#found.querySelector(".live-sessions tbody"), "session-row");
  }

  // The sessions of the user that is shown, as they are now.
  async refresh() {
    const user = this.#user;
    if (user === "") return;
    const {total, sessions} = await read("api/v1/sessions", {user, limit: MOST_SESSIONS});
    if (user !== this.#user) return;
    this.#rows.show(sessions.map((session) => [session.id, {
      ...session, age: seconds(session.age), idle: seconds(session.idle), bytes: bytes(session.bytes_to_client),
      tls: session.tls ?? "no TLS",
    }]));
    this.#found.querySelector(".live-sessions").hidden = sessions.length === 0;
    this.#found.querySelector(".no-sessions").hidden = sessions.length > 0;
    this.#found.querySelector(".live-sessions caption").textContent =
      total > sessions.length ? `Live sessions: the ${sessions.length} longest of ${total}` : "Live sessions";
  }
}
