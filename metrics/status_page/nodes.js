// The nodes' table, and the panics above it.

import {Rows} from "./rows.js";
import {seconds} from "./words.js";

const BAR = 1000;  // the width of the viewBox in node_row.html

// As StateOf in status_page.cc: [words, tone].
export function stateOf(node) {
  if (node.admin_state === "down") return ["taken down", "warn"];
  if (node.state === "down" || node.state === "ejected") return [node.state, "bad"];
  if (node.leaving) return ["leaving", "warn"];
  if (node.admin_state === "drain") return [node.sessions > 0 ? "draining" : "drained", "warn"];
  if (!node.in_service) return ["out of service", "warn"];
  if (node.ready_permille < 1000) return [`slow start, ${Math.floor(node.ready_permille / 10)} %`, "warn"];
  return ["up", "good"];
}

function valuesOf(cluster, node) {
  const [state, tone] = stateOf(node);
  const all = Math.max(node.in_use + node.warm + node.parked, node.slots, 1);
  const width = (count) => Math.floor(count * BAR / all);
  const isUp = node.admin_state === "up";
  return {
    ...node, cluster: cluster.cluster, state, tone,
    of_slots: node.slots === 0 ? "" : ` of ${node.slots}`,
    in_use_width: width(node.in_use),
    warm_at: width(node.in_use), warm_width: width(node.warm),
    parked_at: width(node.in_use + node.warm), parked_width: width(node.parked),
    probe: node.probe_seconds === undefined ? "" : seconds(node.probe_seconds),
    change: isUp ? "drain" : "undrain", change_text: isUp ? "Drain" : "Undrain",
  };
}

export class Nodes {
  #rows = new Rows(document.getElementById("nodes"), "node-row");
  #panics = new Rows(document.getElementById("panics"), "panic-row");

  show(clusters) {
    this.#rows.show(clusters.flatMap((cluster) => cluster.nodes.map(
      (node) => [`${cluster.cluster}/${node.node}`, valuesOf(cluster, node)])));
    this.#panics.show(clusters.filter((cluster) => cluster.panic).map((cluster) => [cluster.cluster, cluster]));
  }
}
