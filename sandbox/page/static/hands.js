// What people do, asked of the sandbox.

import { toast } from "./toast.js";

/** The answer's JSON. Throws, and says why at the foot of the page, when it was not done. */
export async function ask(method, path, deed) {
  const body = deed === undefined ? undefined : JSON.stringify(deed);
  let answer;
  try {
    answer = await fetch(path, { method, body, headers: body ? { "Content-Type": "application/json" } : {} });
  } catch (error) {
    toast("The sandbox does not answer. Is it still running?", { bad: true });
    throw error;
  }
  const said = await answer.json();
  if (!answer.ok) {
    toast(`${said.title}. ${said.detail}`, { bad: true });
    throw new Error(said.detail);
  }
  return said;
}

export const act = (path, deed = {}) => ask("POST", `/hands/${path}`, deed);
