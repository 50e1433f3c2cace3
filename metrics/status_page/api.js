// What Poplar is asked over its admin endpoint. Every request has a deadline; an error's message is for a person.

const DEADLINE = 5000;

export class Refusal extends Error {
  constructor(message, status) {
    super(message);
    this.isForWantOfRights = status === 401 || status === 403;
  }
}

async function refusal(answer) {
  let message = `Poplar answered ${answer.status} ${answer.statusText}`;
  try {
    message = (await answer.json()).error ?? message;
  } catch {
    // Something before Poplar has answered: its status has to do.
  }
  return new Refusal(message, answer.status);
}

async function answered(request) {
  let answer;
  try {
    answer = await request;
  } catch {
    throw new Error("Poplar does not answer");
  }
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

function target(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

export function read(path, parameters = {}) {
  return answered(fetch(target(path, parameters), {signal: AbortSignal.timeout(DEADLINE)}));
}

// Without the browser's own credentials: they don't let change anything, and it would ask for better ones in a window
// of its own.
export function change(path, parameters, token) {
  return answered(fetch(target(path, parameters), {
    method: "POST",
    credentials: "omit",
    headers: {Authorization: `Bearer ${token}`},
    signal: AbortSignal.timeout(DEADLINE),
  }));
}
