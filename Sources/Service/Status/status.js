"use strict";

/*
 * Asks `GET /tenants` page by page, again and again, and `GET /tenants/{tenant}` for the tenant that is open and for rows
 * on the screen whose mints have changed. Everything that comes is put in as text, never as markup.
 */

const HOUR = 3600e3;
const PAGE = 500;                 // tenants in a request
const EVERY = 2000;               // ms from one look at all tenants to the next, and at the open one
const BETWEEN = 1000;             // ms from one page to the next, once all have been seen
const LONGEST = 30e3;             // ms between tries while there is no connection
const PATIENCE = 10e3;            // ms that an answer may take
const HISTORIES = 300;            // tenants whose mints are remembered

const REASONS = ["cold", "ahead", "rejected", "operator", "secret_changed"];
const FILTERS = [
  ["all", "all", ""], ["suspended", "suspended", "bad"], ["failing", "cold, failing", "bad"],
  ["last_known_good", "last known good", "kept"], ["aging", "aging", ""], ["fresh", "fresh", ""], ["cold", "cold", ""],
];
const RANK = Object.fromEntries(FILTERS.map(([name], index) => [name, index]));
RANK.aging = RANK.fresh;          // every token passes through it; rows should not jump

const byId = id => document.getElementById(id);
const [grid, rows, details] = [byId("grid"), byId("rows"), byId("details")];

// MARK: Time

/** The broker's clock less ours. `Date` is cut to seconds, so the largest difference seen is the nearest. */
let offset = -Infinity;
function setClock(response, sent) {
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (Number.isNaN(date)) return;
  const [least, most] = [date - Date.now(), date + 1000 - sent];
  offset = offset > most ? least : Math.max(offset, least);
}
const now = () => Date.now() + (Number.isFinite(offset) ? offset : 0);
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

const two = number => String(number).padStart(2, "0");
function span(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds / 3600) % 24} h`;
}
function ago(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 172800 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86400)} d ago`;
}
const clock = ms => { const at = new Date(ms); return [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":"); };

// MARK: What is known

const tenants = new Map();        // by name
const histories = new Map();      // mints by tenant, the one used last at the end
let view = [];                    // those that are shown, in their order
let filter = "all", search = "", sort = { by: "state", down: false };
let active = null, open = null;   // names
let hasSeenAll = false;

/** Moments are reckoned anew for every answer, so they differ by a millisecond or two. */
const steady = (last, next) => last !== undefined && Math.abs(last - next) < 500 ? last : next;
function moment(text) { return text === undefined ? undefined : Date.parse(text); }

function timed(key, last) {
  key.expires = steady(last?.expires, moment(key.expires_at));
  key.refresh = steady(last?.refresh, moment(key.refresh_at));
  key.retry = steady(last?.retry, moment(key.retry_at));
  key.kind = key.suspended ? "suspended" : key.state === "cold" && key.failing ? "failing" : key.state;
  return key;
}
function take(tenant) {
  const last = tenants.get(tenant.tenant);
  timed(tenant, last);
  if (tenant.last_error) tenant.last_error.time = steady(last?.last_error?.time, moment(tenant.last_error.at));
  tenants.set(tenant.tenant, tenant);
}
/** Changes when the tenant has minted. */
const stamp = tenant => `${tenant.fingerprint}|${tenant.last_error?.time}`;

const compare = (one, other) => one < other ? -1 : one > other ? 1 : 0;
const ORDERS = {
  name: () => 0,
  state: (a, b) => RANK[a.kind] - RANK[b.kind],
  left: (a, b) => compare(a.expires ?? Infinity, b.expires ?? Infinity),
  budget: (a, b) => a.budget.remaining - b.budget.remaining,
  error: (a, b) => compare(b.last_error?.time ?? 0, a.last_error?.time ?? 0),
};
function arrange() {
  const counts = Object.fromEntries(FILTERS.map(([name]) => [name, 0]));
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  view = [];
  for (const tenant of tenants.values()) {
    counts.all += 1;
    counts[tenant.kind] += 1;
    if (filter !== "all" && tenant.kind !== filter) continue;
    const text = `${tenant.tenant} ${tenant.provider} ${tenant.last_error?.cause ?? ""}`.toLowerCase();
    if (words.every(word => text.includes(word))) view.push(tenant);
  }
  const [order, sign] = [ORDERS[sort.by], sort.down ? -1 : 1];
  view.sort((a, b) => sign * (order(a, b) || compare(a.tenant, b.tenant)));
  showCounts(counts);
  show();
}

// MARK: Elements

/** An element with attributes and content; texts go in as text. */
function make(name, attributes = {}, ...content) {
  const element = name in SVG ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value); else element.setAttribute(key, value);
  }
  element.append(...content);
  return element;
}
const SVG = { svg: 1, path: 1, line: 1, circle: 1, text: 1, title: 1, g: 1, rect: 1 };
function put(element, text) { if (element.textContent !== text) element.textContent = text; }
function label(element, attribute, value) {
  if (element.getAttribute(attribute) !== value) element.setAttribute(attribute, value);
}

function makeBar() {
  const [fill, margin, mark] = ["fill", "margin", "mark"].map(name => make("i", { class: name }));
  const bar = make("div", { class: "bar", "aria-hidden": "true" }, make("i", { class: "clip" }, fill, margin), mark);
  return { bar, fill, margin, mark };
}
function drawBar(parts, key) {
  label(parts.bar, "data-state", key.state);
  const lifetime = (key.lifetime ?? 0) * 1000;
  if (!lifetime || key.expires === undefined) return;
  const share = ms => Math.min(1, Math.max(0, ms / lifetime));
  parts.fill.style.transform = `scaleX(${share(key.expires - now()).toFixed(4)})`;
  parts.margin.style.width = `${100 * share(Math.min(30e3, lifetime / 10))}%`;
  const isPlanned = key.refresh !== undefined && key.refresh < key.expires;
  parts.mark.hidden = !isPlanned;
  if (isPlanned) parts.mark.style.left = `${100 * share(key.expires - key.refresh)}%`;
}
function timesOf(key) {
  const parts = [];
  if (key.expires !== undefined) parts.push(`${span(key.expires - now())} left`);
  if (key.minting) parts.push("minting");
  else if (key.retry !== undefined) parts.push(`retry in ${span(key.retry - now())}`);
  else if (key.refresh !== undefined) parts.push(`refresh in ${span(key.refresh - now())}`);
  else if (key.suspended) parts.push("until the credential changes");
  else if (key.expires !== undefined) parts.push("no refresh planned");
  else parts.push(key.failing ? "tried again when it is asked for" : "nobody asks for it");
  return parts.join(" · ");
}
const nameOf = kind => FILTERS.find(([name]) => name === kind)[1];
const toneOf = kind => FILTERS.find(([name]) => name === kind)[2];
function drawState(element, key) {
  put(element, nameOf(key.kind));
  label(element, "data-state", key.state);
  label(element, "data-tone", toneOf(key.kind));
}

// MARK: Plots

const isOK = mint => mint.outcome === "ok";
function lastHour(mints) { return mints.filter(mint => now() - Date.parse(mint.at) < HOUR); }
function summary(mints) {
  const ok = mints.filter(isOK);
  const causes = REASONS.map(reason => [reason, ok.filter(mint => mint.reason === reason).length]).filter(([, count]) => count);
  const failed = mints.length - ok.length;
  const parts = causes.map(([reason, count]) => `${count} ${reason.replace("_", " ")}`);
  return [`${mints.length} mints in the last hour`, ...parts, ...(failed ? [`${failed} failed`] : [])].join(", ");
}
/** A tick for each mint, the tint its cause; one that failed is a cross. */
function spark(mints) {
  const recent = lastHour(mints);
  const plot = make("svg", { class: "spark", role: "img", "aria-label": summary(recent) });
  plot.append(make("line", { class: "axis", x1: "0", x2: "100%", y1: "88%", y2: "88%" }));
  for (const mint of recent) {
    const x = 100 * (1 - (now() - Date.parse(mint.at)) / HOUR);
    const tick = isOK(mint)
      ? make("rect", { class: `ok ${reasonOf(mint)}`, x: `${x}%`, y: "30%", width: "2.5", height: "58%", rx: "1" })
      : make("svg", { x: `${x}%`, y: "0" }, make("path", { class: "failed", d: "M-2.5 3l5 5m0-5l-5 5" }));
    plot.append(tick);
  }
  return plot;
}
const reasonOf = mint => REASONS.includes(mint.reason) ? mint.reason : "cold";
/** A line for each cause that there was. */
function plot(mints) {
  const recent = lastHour(mints);
  const reasons = REASONS.filter(reason => recent.some(mint => reasonOf(mint) === reason));
  if (!reasons.length) reasons.push("ahead");
  const [left, height] = [26, 22];
  const drawing = make("svg", { class: "plot", role: "img", "aria-label": summary(recent) });
  drawing.style.height = `${reasons.length * height + 18}px`;
  const place = at => `${left + (98 - left) * (1 - (now() - at) / HOUR)}%`;
  reasons.forEach((reason, index) => {
    const y = index * height + 12;
    drawing.append(
      make("text", { x: "0", y: y + 4 }, reason.replace("_", " ")),
      make("line", { class: "axis", x1: `${left}%`, x2: "98%", y1: y, y2: y }));
    for (const mint of recent.filter(mint => reasonOf(mint) === reason)) {
      const at = Date.parse(mint.at);
      const title = make("title", {}, `${clock(at)} ${reason}, ${mint.outcome}, ${mint.latency_ms} ms`);
      drawing.append(isOK(mint)
        ? make("circle", { class: `ok ${reason}`, cx: place(at), cy: y, r: "4" }, title)
        : make("svg", { x: place(at), y }, make("path", { class: "failed", d: "M-4-4l8 8m0-8l-8 8" }, title)));
    }
  });
  const y = reasons.length * height + 12;
  drawing.append(
    make("text", { x: `${left}%`, y }, "1 h ago"),
    make("text", { x: "62%", y, "text-anchor": "middle" }, "30 min"), make("text", { x: "98%", y, "text-anchor": "end" }, "now"));
  return drawing;
}

// MARK: Rows

const pool = [];
let rowHeight = 0;

function makeRow() {
  const cells = {};
  const row = { cells, bar: makeBar(), name: null, mints: null };
  const cell = (name, ...content) => make("span", { role: "gridcell", class: `c-${name}` }, ...content);
  for (const name of ["name", "provider", "state", "left", "error", "age"]) cells[name] = make("span", { class: name });
  cells.mints = cell("mints");
  cells.budget = cell("budget");
  row.element = make(
    "div", { role: "row", onclick: () => choose(row.name) },
    cell("name", cells.name, cells.provider), cell("state", cells.state), cell("token", row.bar.bar, cells.left),
    cells.mints, cells.budget, cell("error", cells.error, cells.age));
  return row;
}
function drawRow(row, tenant, index) {
  const { cells, element } = row;
  if (row.name !== tenant.tenant) {
    row.name = tenant.tenant;
    row.mints = null;
    cells.mints.replaceChildren();
    element.id = `row-${tenant.tenant}`;
    element.dataset.tenant = tenant.tenant;
  }
  element.style.transform = `translateY(${index * rowHeight}px)`;
  label(element, "aria-rowindex", String(index + 2));
  label(element, "aria-selected", String(tenant.tenant === open));
  element.classList.toggle("active", tenant.tenant === active);
  put(cells.name, tenant.tenant);
  put(cells.provider, tenant.provider);
  drawState(cells.state, tenant);
  put(cells.budget, `${tenant.budget.remaining} of ${tenant.budget.burst}`);
  cells.budget.classList.toggle("bad", tenant.budget.remaining <= 2);
  put(cells.error, tenant.last_error ? tenant.last_error.cause : "none");
  cells.error.classList.toggle("none", !tenant.last_error);
  tickRow(row, tenant);
  const known = histories.get(tenant.tenant);
  if (known && row.mints !== known) {
    row.mints = known;
    cells.mints.replaceChildren(spark(known.mints));
  }
}
function tickRow(row, tenant) {
  drawBar(row.bar, tenant);
  put(row.cells.left, timesOf(tenant));
  put(row.cells.age, tenant.last_error ? ago(now() - tenant.last_error.time) : "");
}
/** Draws the rows that are on the screen, and no others. */
function show() {
  if (!rowHeight) {
    const probe = makeRow().element;
    rows.append(probe);
    rowHeight = probe.offsetHeight;
    probe.remove();
  }
  rows.style.height = `${view.length * rowHeight}px`;
  label(grid, "aria-rowcount", String(view.length + 1));
  const first = Math.max(0, Math.floor((grid.scrollTop - rows.offsetTop) / rowHeight) - 2);
  const count = Math.min(view.length - first, Math.ceil(grid.clientHeight / rowHeight) + 4);
  for (let index = 0; index < count; index += 1) {
    if (!pool[index]) rows.append((pool[index] = makeRow()).element);
  }
  while (pool.length > Math.max(count, 0)) pool.pop().element.remove();
  // A row keeps its place in the pool while it is on the screen, so that little changes as it scrolls.
  pool.forEach((row, index) => {
    const at = first + ((index - first) % count + count) % count;
    drawRow(row, view[at], at);
  });
  if (active !== null && document.getElementById(`row-${active}`)) label(grid, "aria-activedescendant", `row-${active}`);
  else grid.removeAttribute("aria-activedescendant");
  const empty = byId("empty");
  empty.hidden = view.length > 0 || !hasSeenAll;
  put(empty, tenants.size ? "No tenant is like that." : "There are no tenants in the configuration.");
}
function showCounts(counts) {
  const box = byId("filters");
  if (!box.firstChild) {
    for (const [name, text, tone] of FILTERS) {
      const button = make(
        "button", { type: "button", "data-filter": name, "data-tone": tone, onclick: () => { filter = name; arrange(); } },
        make("b"), text);
      box.append(button);
    }
  }
  for (const button of box.children) {
    const name = button.dataset.filter;
    put(button.firstChild, counts[name].toLocaleString("en"));
    label(button, "aria-pressed", String(name === filter));
    button.hidden = name !== "all" && name !== filter && !counts[name];
  }
  const troubled = counts.suspended + counts.failing + counts.last_known_good;
  document.title = troubled ? `(${troubled}) Tokenwell` : "Tokenwell";
}
function setSort(by, down) {
  sort = { by, down };
  byId("sort").value = by;
  for (const button of document.querySelectorAll("#head button")) {
    const header = button.parentElement;
    if (button.dataset.sort === by) label(header, "aria-sort", down ? "descending" : "ascending");
    else header.removeAttribute("aria-sort");
  }
  grid.scrollTop = 0;
  arrange();
}

// MARK: Details

let drawn = null;                 // what the panel shows: its parts that move
function choose(name) {
  active = name;
  const isOther = name !== open;
  open = name;
  history.replaceState(null, "", name === null ? location.pathname : `#${encodeURIComponent(name)}`);
  details.hidden = name === null;
  // On a phone the details cover all else.
  for (const part of [grid, document.querySelector("header")]) {
    part.inert = name !== null && matchMedia("(max-width: 50rem)").matches;
  }
  if (name === null) { grid.focus({ preventScroll: true }); drawn = null; }
  show();
  if (name !== null && isOther) {
    drawn = null;
    details.replaceChildren(title(name));
    details.scrollTop = 0;
    details.focus({ preventScroll: true });
    wakeDetails();
  }
}
function title(name, state) {
  const close = make("button", { type: "button", "aria-label": "Close", onclick: () => choose(null) }, "✕");
  return make("div", { class: "title" }, make("h2", { id: "details-name" }, name), ...(state ? [state] : []), close);
}
function facts(pairs) {
  return make("dl", {}, ...pairs.filter(Boolean).flatMap(([term, value]) => [make("dt", {}, term), make("dd", {}, value)]));
}
function table(heads, lines) {
  const row = (name, cells) => make("tr", {}, ...cells.map(cell => make(name, {}, cell)));
  return make("table", {}, make("thead", {}, row("th", heads)), make("tbody", {}, ...lines.map(line => row("td", line))));
}
function drawDetails(tenant) {
  const ticks = [];
  const live = (element, text) => { ticks.push(() => put(element, text())); return element; };
  const state = make("span", { class: "state" });
  drawState(state, tenant);
  const budget = tenant.budget;
  const error = tenant.last_error;
  const parts = [
    title(tenant.tenant, state),
    facts([
      ["provider", tenant.provider],
      ["budget", `${budget.remaining} mints left; ${budget.burst} at once, ${budget.per_hour ?? budget.per_day} ${budget.per_hour ? "an hour" : "a day"}`],
      ["last error", error
        ? make("span", {}, `${error.error}: ${error.cause}, `, live(make("span"), () => ago(now() - error.time)))
        : make("span", { class: "none" }, "none")],
    ]),
    make("h3", {}, "Mints in the last hour, by cause"), plot(tenant.mints),
  ];
  for (const key of tenant.keys) {
    const bar = makeBar();
    ticks.push(() => drawBar(bar, key));
    const keyState = make("span", { class: "state" });
    drawState(keyState, key);
    parts.push(make("h3", {}, key.scope ? `Token for ${key.scope}` : "Token"), make(
      "div", { class: "key" }, keyState, bar.bar, live(make("span", { class: "left" }), () => timesOf(key)),
      facts([
        key.fingerprint && ["fingerprint", make("code", {}, key.fingerprint)],
        key.expires !== undefined && ["expires", `${clock(key.expires)}, of ${span(key.lifetime * 1000)}`],
        key.refresh !== undefined && ["refresh", clock(key.refresh)],
        key.retry !== undefined && ["retry", clock(key.retry)],
      ]),
      key.holders.length
        ? table(["held by", "last asked"], key.holders.map(holder => {
          const at = Date.parse(holder.last_at);
          return [holder.caller, live(make("span"), () => ago(now() - at))];
        }))
        : make("span", { class: "none" }, key.fingerprint ? "held by nobody" : "no token")));
  }
  parts.push(
    make("p", { class: "left legend" }, "The mark is the refresh point; in the hatched margin nobody is given the token."),
    make("h3", {}, "Last mints"), tenant.mints.length
    ? table(["at", "cause", "outcome", "took"], tenant.mints.map(mint => [
      clock(Date.parse(mint.at)), mint.reason.replace("_", " "),
      make("span", { class: isOK(mint) ? "" : "bad" }, isOK(mint) ? make("code", {}, mint.fingerprint) : mint.outcome),
      `${mint.latency_ms} ms`]))
    : make("p", { class: "none" }, "none yet"));
  const [top, hadFocus] = [details.scrollTop, details.contains(document.activeElement) && document.activeElement !== details];
  details.replaceChildren(...parts);
  details.scrollTop = top;
  if (hadFocus) details.querySelector("button").focus({ preventScroll: true });
  drawn = { ticks };
  for (const tick of ticks) tick();
}
/** Without what changes by itself. */
function essence(tenant) {
  return JSON.stringify([
    tenant.budget.remaining, tenant.kind, tenant.last_error?.time, tenant.mints.length, tenant.mints[0]?.fingerprint,
    tenant.keys.map(key => [key.scope, key.kind, key.minting, key.fingerprint, key.expires, key.refresh, key.retry,
      key.holders.map(holder => [holder.caller, Math.round(Date.parse(holder.last_at) / 2000)])]),
    Math.floor(now() / 60e3),
  ]);
}
let lastDetails = null;
async function askDetails(name) {
  const tenant = await ask(`/tenants/${encodeURIComponent(name)}`);
  remember(name, tenant);
  if (name !== open) return;
  const last = lastDetails?.tenant === name ? lastDetails : null;
  timed(tenant, last);
  tenant.keys.forEach((key, index) => timed(key, last?.keys[index]));
  if (tenant.last_error) tenant.last_error.time = steady(last?.last_error?.time, moment(tenant.last_error.at));
  const isNew = !drawn || essence(tenant) !== lastDetails?.essence;
  tenant.essence = essence(tenant);
  lastDetails = tenant;
  if (isNew) drawDetails(tenant);
}
function remember(name, tenant) {
  histories.delete(name);
  const known = tenants.get(name);
  histories.set(name, { mints: tenant.mints, stamp: known && stamp(known) });
  if (histories.size > HISTORIES) histories.delete(histories.keys().next().value);
}

// MARK: Asking

class Refused extends Error {
  constructor(status, retryAfter) { super(`status ${status}`); this.status = status; this.retryAfter = retryAfter; }
}
async function ask(path) {
  const sent = Date.now();
  const response = await fetch(path, {
    headers: { Accept: "application/json" }, cache: "no-store", redirect: "error", signal: AbortSignal.timeout(PATIENCE),
  });
  setClock(response, sent);
  if (!response.ok) throw new Refused(response.status, 1000 * Number(response.headers.get("Retry-After") ?? 0));
  return response.json();
}

/** Until somebody looks at the page. */
async function seen() {
  while (document.hidden) {
    await new Promise(resolve => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
}
/** The same, and until the broker answers `watchAll`: while it does not, nobody else asks. */
async function reachable() {
  await seen();
  while (isLost) await pause(500);
}

let lastAnswer = null, isLost = false;
function setLink(state, text) {
  label(byId("link"), "data-state", state);
  put(byId("link"), text);
}
function setStore(store) {
  const notice = byId("notice");
  notice.hidden = !store || store.state === "ok";
  if (!notice.hidden) {
    put(notice, `The store is failing (${store.reason}) since ${clock(Date.parse(store.since))}: ${store.pending} records would not survive a restart.`);
  }
}

async function sweep() {
  const gone = new Set(tenants.keys());
  let after = null;
  do {
    const page = await ask(`/tenants?limit=${PAGE}${after === null ? "" : `&after=${encodeURIComponent(after)}`}`);
    for (const tenant of page.tenants) { take(tenant); gone.delete(tenant.tenant); }
    lastAnswer = Date.now();
    isLost = false;
    setLink("live", hasSeenAll || page.next === undefined ? "live" : "loading");
    setStore(page.store);
    after = page.next ?? null;
    if (after === null) {
      hasSeenAll = true;
      for (const name of gone) tenants.delete(name);
    }
    arrange();
    wakeHistories();
    if (after !== null && hasSeenAll) { await pause(BETWEEN); await seen(); }
  } while (after !== null);
}

/** Says what went wrong, and how long to leave the broker alone; null for good. */
function trouble(error, failures) {
  isLost = true;
  const since = lastAnswer === null ? "" : ` since ${clock(lastAnswer)}`;
  if (error instanceof Refused && error.status === 401) setLink("lost", `signed out${since}: reload to sign in`);
  else if (error instanceof Refused && error.status === 403) setLink("lost", `not an operator any more${since}`);
  else {
    const what = error instanceof Refused ? `answered ${error.status}` : "no connection";
    setLink("lost", `${what}${since}`);
    return Math.max(error.retryAfter ?? 0, Math.min(LONGEST, 1000 * 2 ** Math.min(failures, 6)));
  }
  return null;
}

async function watchAll() {
  for (let failures = 0; ;) {
    await seen();
    let wait = EVERY;
    try { await sweep(); failures = 0; } catch (error) { wait = trouble(error, failures++); }
    if (wait === null) return;
    await pause(wait);
  }
}

let wakeDetails = () => {};
async function watchDetails() {
  for (;;) {
    const woken = new Promise(resolve => { wakeDetails = resolve; });
    await reachable();
    let wait = EVERY;
    if (open !== null) {
      // What is wrong with the connection, the other loop says.
      try { await askDetails(open); } catch (error) {
        wait = 2 * EVERY;
        if (error instanceof Refused && error.status === 404) choose(null);
      }
    }
    await Promise.race([woken, pause(wait)]);
  }
}

/** Rows on the screen whose mints are not known, or no longer. */
function unknownRow() {
  const [top, bottom] = [grid.scrollTop - rows.offsetTop - rowHeight, grid.scrollTop + grid.clientHeight];
  const unknown = pool.filter(row => {
    const tenant = tenants.get(row.name);
    const at = view.indexOf(tenant) * rowHeight;
    return tenant && at >= top && at <= bottom && histories.get(row.name)?.stamp !== stamp(tenant);
  });
  // A tenant that fails all the time must not keep the others from being asked for.
  return unknown.find(row => !histories.has(row.name)) ?? unknown[0];
}
let wakeHistories = () => {};
async function watchHistories() {
  for (;;) {
    const woken = new Promise(resolve => { wakeHistories = resolve; });
    await reachable();
    const row = unknownRow();
    if (!row) { await woken; continue; }
    try {
      const name = row.name;
      remember(name, await ask(`/tenants/${encodeURIComponent(name)}`));
      show();
      await pause(40);
    } catch { await pause(2 * EVERY); }
  }
}

// MARK: Hands

let scrolled = 0, isShowing = false;
grid.addEventListener("scroll", () => {
  if (!isShowing) { isShowing = true; requestAnimationFrame(() => { isShowing = false; show(); }); }
  clearTimeout(scrolled);
  scrolled = setTimeout(() => wakeHistories(), 150);
}, { passive: true });
addEventListener("resize", () => { rowHeight = 0; show(); wakeHistories(); });

function move(to) {
  const at = Math.min(view.length - 1, Math.max(0, to));
  if (!view[at]) return;
  active = view[at].tenant;
  const [top, head] = [rows.offsetTop + at * rowHeight, rows.offsetTop];
  if (top - head < grid.scrollTop) grid.scrollTop = top - head;
  else if (top + rowHeight > grid.scrollTop + grid.clientHeight) grid.scrollTop = top + rowHeight - grid.clientHeight;
  show();
}
grid.addEventListener("keydown", event => {
  if (event.target !== grid || event.ctrlKey || event.metaKey || event.altKey) return;
  const at = view.findIndex(tenant => tenant.tenant === active);
  const screen = Math.max(1, Math.floor(grid.clientHeight / rowHeight) - 1);
  const steps = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + screen, PageUp: at - screen, Home: 0, End: view.length - 1 };
  if (event.key in steps) move(steps[event.key]);
  else if (event.key === "Enter" && at >= 0) choose(active);
  else return;
  event.preventDefault();
});
document.addEventListener("keydown", event => {
  if (event.key === "Escape" && open !== null) choose(null);
  else if (event.key === "/" && !event.target.closest("input, select")) { byId("search").focus(); event.preventDefault(); }
});
byId("search").addEventListener("input", event => { search = event.target.value; grid.scrollTop = 0; arrange(); wakeHistories(); });
byId("sort").addEventListener("change", event => { setSort(event.target.value, false); wakeHistories(); });
for (const button of document.querySelectorAll("#head button")) {
  button.addEventListener("click", () => {
    setSort(button.dataset.sort, sort.by === button.dataset.sort && !sort.down);
    wakeHistories();
  });
}

setInterval(() => {
  if (document.hidden) return;
  for (const row of pool) { const tenant = tenants.get(row.name); if (tenant) tickRow(row, tenant); }
  for (const tick of drawn?.ticks ?? []) tick();
}, 1000);

setSort("state", false);
try { if (location.hash.length > 1) choose(decodeURIComponent(location.hash.slice(1))); } catch { /* no name */ }
watchAll();
watchDetails();
watchHistories();
