// One dashboard, drawn from its JSON and from what Prometheus has answered to its expressions (story.json beside this).

import {Reading, meaning, only} from "./known.js";
import {named} from "./looks.js";
import {append, clock, placed} from "./place.js";
import * as heatmap from "./heatmap.js";
import * as stateTimeline from "./state_timeline.js";
import * as stat from "./stat.js";
import * as table from "./table.js";
import * as timeseries from "./timeseries.js";

const KINDS = {timeseries, stat, table, heatmap, "state-timeline": stateTimeline};

window.complaints = [];  // what isn't known here, and would be missing from the picture
window.empty = [];       // panels that have nothing to show

function head({dashboard, range}) {
  document.title = dashboard.title;
  document.getElementById("title").textContent = dashboard.title;
  document.getElementById("description").textContent = dashboard.description;
  document.getElementById("file").textContent = `deploy/grafana/${dashboard.uid}.json`;
  const bar = document.getElementById("variables");
  for (const {label, current} of dashboard.templating.list) {
    if (!current.text) continue;
    append(bar, "span", "variable", label);
    append(bar, "span", "chosen", [...current.text].join(" + "));
  }
  append(bar, "span", "range", `${clock(range.from)} to ${clock(range.to)} UTC`);
}

function drawPanel(panel, answers, parent, context) {
  const {type, title, description} = panel;
  const element = placed(parent, panel.gridPos, `panel ${type}`);
  const heading = append(element, "h2", "", title);
  if (description) append(heading, "i", "info").title = description;
  const body = append(element, "div", "body");
  if (meaning("the kind of panel", type, KINDS).draw(panel, answers, body, context)) return;
  window.empty.push(title);
  if (type !== "stat") append(body, "p", "nothing", "No data");
}

function drawRow(row, parent) {
  only("collapsed", row.collapsed, false);
  append(placed(parent, row.gridPos, "row"), "h2", "", row.title);
}

function draw(panel, answers, parent, context) {
  const reading = new Reading(panel);
  try {
    if (panel.type === "row" && reading.value.type) drawRow(reading.value, parent);
    else drawPanel(reading.value, answers, parent, context);
  } catch (error) {
    window.complaints.push(`${panel.title}: ${error.message}`);
    return;
  }
  window.complaints.push(...reading.unread.map((path) => `${panel.title}: ${path} is known to nobody here`));
}

const story = await (await fetch("story.json")).json();
head(story);
const panels = document.getElementById("panels");
const annotations = story.annotations.map(({color, times}) => ({color: named(color), times}));
for (const panel of story.dashboard.panels) {
  draw(panel, story.answers[panel.id], panels, {range: story.range, annotations});
}
document.body.dataset.drawn = "yes";
