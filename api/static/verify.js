// Proves one case in the reader's own browser, from what the server says of it: every hash of its events, their places in the log
// (RFC 6962), and the log's signed checkpoint (Ed25519, C2SP signed note). It takes nothing of the server's own verdict.

const form = document.getElementById("verify");
const out = document.getElementById("checked");
const told = document.getElementById("sentences").content;
const encoder = new TextEncoder();

class Finding extends Error {
  constructor(say, values = {}, seq = null) {
    super(say);
    Object.assign(this, { say, values, seq });
  }
}

/* --- Bytes and hashes --- */

const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const toHex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const fromBase64 = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const same = (one, other) => toHex(one) === toHex(other);

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const node = (left, right) => sha256(joined([1], left, right));

// The roots of an older and of the newer tree to which a proof leads (RFC 9162, 2.1.3.2 and 2.1.4.2). Logs can be longer than 32 bits tell.
async function climb(at, last, from, proof) {
  let older = from, newer = from;
  for (const sibling of proof) {
    if (last === 0) return [[], []];
    if (at % 2 === 1 || at === last) {
      older = await node(sibling, older);
      newer = await node(sibling, newer);
      while (at > 0 && at % 2 === 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      newer = await node(newer, sibling);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 ? [older, newer] : [[], []];
}

/* --- Keys and checkpoints --- */

async function readKeys(text) {
  const keys = new Map();
  for (const line of text.split("\n").map((each) => each.trim()).filter(Boolean)) {
    const found = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/.exec(line);
    const key = found ? fromBase64(found[3]) : [];
    if (key[0] !== 1 || toHex(await sha256(joined(encoder.encode(`${found[1]}\n`), key))).slice(0, 8) !== found[2])
      throw new Finding("bad-key", { line: line.slice(0, 60) });
    keys.set(`${found[1]}+${found[2]}`, key.slice(1));
  }
  return keys;
}

async function holds(key, signature, text) {
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    throw new Finding("no-ed25519");
  }
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, encoder.encode(text));
}

// A checkpoint that one of the keys has signed; no signature by any of them may be wrong.
async function readCheckpoint(note, keys, which) {
  const [body, below = ""] = note.replaceAll("\r\n", "\n").trim().split(/\n\n+/).slice(-2);
  const lines = /^(\S+)\n([0-9]+)\n([A-Za-z0-9+/]{43}=)\n([0-9TZ:-]+)$/.exec(body);
  if (!lines) throw new Finding("no-checkpoint", { which });
  let signer = null;
  for (const [, name, raw] of below.matchAll(/^\u2014 (\S+) ([A-Za-z0-9+/]+=*)$/gm)) {
    const signed = fromBase64(raw), id = `${name}+${toHex(signed.slice(0, 4))}`;
    if (!keys.has(id) || name !== lines[1]) continue;
    if (!(await holds(keys.get(id), signed.slice(4), `${body}\n`))) throw new Finding("bad-signature", { which, signer: id });
    signer ??= id;
  }
  if (signer === null) throw new Finding("foreign", { which });
  return { origin: lines[1], size: Number(lines[2]), root: fromBase64(lines[3]), at: lines[4], signer };
}

/* --- The case --- */

async function checkChain(proof) {
  let before = "0".repeat(64), last = 0, us = 0;
  for (const event of proof.events) {
    const head = ["loopkeeper-event-v1", proof.case, event.seq, event.id, event.us, event.words ?? "-", event.prev, event.doc];
    if (toHex(await sha256(encoder.encode(head.join("\n")))) !== event.hash) throw new Finding("changed", {}, event.seq);
    if (event.seq !== last + 1 || event.prev !== before) throw new Finding("broken", { before: last }, event.seq);
    if (event.us < us) throw new Finding("backwards", { before: last }, event.seq);
    [before, last, us] = [event.hash, event.seq, event.us];
  }
  if (last === 0) throw new Finding("nothing");
}

async function checkInLog(proof, checkpoint) {
  if (proof.missing.length) throw new Finding("deleted", {}, proof.missing[0]);
  let sealed = 0;
  for (const event of proof.events) {
    if (event.leaf === null) continue;
    const leaf = await sha256(joined([0], fromHex(event.hash)));
    const way = event.leaf < checkpoint.size ? await climb(event.leaf, checkpoint.size - 1, leaf, event.proof.map(fromHex)) : [[], []];
    if (!same(way[1], checkpoint.root)) throw new Finding("not-in-log", { leaf: event.leaf }, event.seq);
    if (event.seq !== ++sealed) throw new Finding("not-sealed", {}, sealed);
  }
  if (sealed === 0) throw new Finding("none-sealed");
  return sealed;
}

async function checkContinues(older, newer, proof) {
  if (older.origin !== newer.origin || older.size > newer.size) throw new Finding("incomparable", { size: older.size, newer: newer.size });
  let holding = older.size === 0;
  if (older.size === newer.size) holding = same(older.root, newer.root);
  else if (older.size > 0 && proof) {
    const power = 2 ** Math.floor(Math.log2(older.size)) === older.size;
    const path = [...(power ? [older.root] : []), ...proof.map(fromHex)];
    let at = older.size - 1, last = newer.size - 1;
    while (at % 2 === 1) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
    const ways = path.length ? await climb(at, last, path[0], path.slice(1)) : [[], []];
    holding = same(ways[0], older.root) && same(ways[1], newer.root);
  }
  if (!holding) throw new Finding("rewritten", { size: older.size });
}

/* --- The page --- */

function sentence(say, values) {
  const text = told.querySelector(`[data-say="${say}"]`).textContent;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

function say(key, good, values = {}) {
  const line = document.createElement("li");
  line.className = good === null ? "" : good ? "audit-holds" : "warn";
  line.textContent = `${good === null ? "" : good ? "✓ " : "✗ "}${sentence(key, values)}`;
  out.querySelector("ul").append(line);
}

function showEvents(proof, sealed, fault) {
  const list = out.querySelector("ol");
  for (const event of proof.events) {
    const row = document.createElement("li");
    let kind = "?";
    try {
      kind = JSON.parse(event.doc).kind;
    } catch {
      // What is no document any more is shown as it is: unknown.
    }
    const bad = fault !== null && fault !== undefined && event.seq >= fault;
    const state = bad ? (event.seq === fault ? "wrong" : "after-wrong") : event.seq <= sealed ? "proven" : "later";
    row.value = event.seq;
    row.className = state === "wrong" ? "warn" : "";
    row.textContent = `${kind} · ${new Date(event.us / 1000).toISOString()} · ${event.hash.slice(0, 16)}… · ${sentence(state, {})}`;
    list.append(row);
  }
  list.hidden = false;
}

async function verify() {
  const older = form.elements.checkpoint.value.trim(), own = form.elements.keys.value.trim();
  let proof = null, sealed = 0, fault = null;
  try {
    if (!globalThis.crypto?.subtle) throw new Finding("no-crypto");
    const size = /^[0-9]+$/.exec(older.replaceAll("\r\n", "\n").split(/\n\n+/).slice(-2)[0]?.split("\n")[1] ?? "")?.[0];
    if (older && !size) throw new Finding("no-checkpoint", { which: sentence("yours", {}) });
    const answer = await fetch(`${form.dataset.proof}${size > 0 ? `?since=${size}` : ""}`, { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Finding("no-answer", { status: answer.status });
    proof = await answer.json();
    await checkChain(proof);
    say("chain", true, { events: proof.events.length });
    if (proof.fault) throw new Finding("log-fault", { fault: proof.fault });
    if (!proof.checkpoint) throw new Finding("no-log");
    const keys = await readKeys(own || proof.keys.join("\n"));
    const newer = await readCheckpoint(proof.checkpoint, keys, sentence("theirs", {}));
    say("signed", true, newer);
    say(own ? "own-key" : "their-key", own ? true : null);
    sealed = await checkInLog(proof, newer);
    say("in-log", true, { sealed, size: newer.size });
    if (sealed < proof.events.length) say("later-events", null, { events: proof.events.length - sealed });
    if (older) {
      const mine = await readCheckpoint(older, keys, sentence("yours", {}));
      await checkContinues(mine, newer, proof.consistency);
      say("continues", true, mine);
    } else say("no-older", null);
    finish("holds");
  } catch (error) {
    const finding = error instanceof Finding ? error : new Finding("unexpected", { error: String(error) });
    fault = finding.seq;
    say(finding.say, false, { ...finding.values, case: form.dataset.case, seq: finding.seq });
    finish(["no-crypto", "no-ed25519", "no-answer", "unexpected", "no-checkpoint", "bad-key", "incomparable", "no-log", "none-sealed"].includes(finding.say) ? "undecided" : "fails");
  }
  if (proof) showEvents(proof, sealed, fault);
}

function finish(verdict) {
  out.dataset.verdict = verdict;
  out.querySelector("h2").textContent = sentence(verdict, {});
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  out.querySelector("h2").textContent = "";
  out.querySelector("ul").replaceChildren();
  out.querySelector("ol").replaceChildren();
  delete out.dataset.verdict;
  out.hidden = false;
  verify().finally(() => out.querySelector("h2").focus());
});
form.querySelector("button").disabled = false;
