// The live page. Everything works without it but the stream, the keys and the playground's answer in place.
"use strict";

const $ = (id) => document.getElementById(id);
const stream = $("stream"), filters = $("filters");
const MOST_CARDS = 200;

// --- times, theme, keys ---------------------------------------------------------------------------------------

function ago(moment) {
  const seconds = (Date.now() - new Date(moment)) / 1000;
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (Math.abs(seconds) >= size) {
      const number = Math.round(Math.abs(seconds) / size);
      return seconds > 0 ? `${number} ${unit} ago` : `in ${number} ${unit}`;
    }
  }
  return seconds >= 0 ? "just now" : "in seconds";
}

setInterval(() => {
  for (const time of document.querySelectorAll("time")) time.textContent = ago(time.dateTime);
}, 15000);

function changeTheme() {
  const isDark = getComputedStyle(document.documentElement).colorScheme === "dark"
    || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  const theme = isDark ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
}
$("theme").addEventListener("click", changeTheme);

// On a wall: larger letters, no menus; chosen on this machine until it is taken back.
function fillWall(isWall) {
  document.documentElement.toggleAttribute("data-wall", isWall);
  $("wall").setAttribute("aria-pressed", isWall);
  if (isWall) localStorage.setItem("wall", "yes");
  else localStorage.removeItem("wall");
}
fillWall(localStorage.getItem("wall") === "yes");
$("wall").addEventListener("click", () => fillWall(!document.documentElement.hasAttribute("data-wall")));
document.querySelector("nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

function moveTo(step) {
  const cards = [...document.querySelectorAll(".card")];
  const at = cards.indexOf(document.activeElement?.closest(".card"));
  const next = cards[Math.min(Math.max(at + step, 0), cards.length - 1)];
  next?.querySelector("h3 a").focus();
  next?.scrollIntoView({ block: "nearest" });
}

const KEYS = {
  j: () => moveTo(1),
  k: () => moveTo(-1),
  "/": () => $("search")?.focus(),
  "?": () => $("keys").showModal(),
  d: changeTheme,
  w: () => $("wall").click(),
  p: () => $("hold")?.click(),
  u: () => $("back")?.click(),
  a: () => $("acknowledge")?.click(),
  t: () => $("true")?.click(),
  f: () => $("false")?.click(),
};
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select, dialog");
  if (event.key === "Escape" && isTyping) event.target.blur();
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});

// --- the stream -----------------------------------------------------------------------------------------------

let source, isHeld = false;
const held = new Map();

function listen() {
  const isLive = stream?.dataset.live !== undefined;
  const query = new URLSearchParams(isLive ? { ...chosenFilters(), since: stream.dataset.since } : { only: "pulse" });
  source?.close();
  source = new EventSource(`/events?${query}`);
  source.addEventListener("open", () => showLive("live", "live"));
  source.addEventListener("error", () => showLive("lost", "connecting again"));
  source.addEventListener("pulse", (event) => showPulse(JSON.parse(event.data)));
  if (isLive) source.addEventListener("alert", (event) => take(JSON.parse(event.data)));
}

function showLive(state, words) {
  $("live").className = `dot ${state}`;
  $("live").title = words;
  $("live-word").textContent = words;
}

function showPulse(pulse) {
  if (pulse.problem) return showLive("lost", pulse.problem);
  showLive("live", "live");
  for (const [name, number] of Object.entries(pulse)) {
    const place = document.querySelector(`[data-pulse="${name}"]`);
    if (!place) continue;
    place.textContent = number;
    if (["unwell", "dead", "aside"].includes(name)) place.closest("li").classList.toggle("warn", number > 0);
  }
}

function take(alert) {
  const isReading = scrollY > 300 || stream.contains(document.activeElement);
  const isKnown = document.getElementById(alert.id);
  if (!isKnown && (isHeld || isReading)) {
    held.set(alert.id, alert);
    $("fresh").hidden = false;
    $("fresh").textContent = held.size === 1 ? "1 new alert" : `${held.size} new alerts`;
  } else if (isKnown || alert.is_new) {
    show(alert);
  }
}

function show(alert) {
  const holder = document.createElement("template");
  holder.innerHTML = alert.html; // made by our own templates, which escape everything
  const card = holder.content.querySelector(".card");
  const known = document.getElementById(alert.id);
  if (known) {
    const hadFocus = known.contains(document.activeElement);
    known.replaceWith(card);
    if (hadFocus) card.querySelector("h3 a").focus();
    return;
  }
  stream.querySelector(".empty")?.remove();
  card.classList.add("arrived");
  const before = [...stream.children].find((other) => Number(other.dataset.ms) <= Number(card.dataset.ms));
  stream.insertBefore(card, before ?? null);
  stream.dataset.since = Math.max(Number(stream.dataset.since), Number(card.dataset.ms));
  while (stream.children.length > MOST_CARDS) stream.lastElementChild.remove();
  $("said").textContent = `New alert, ${alert.severity}: ${alert.title}`;
}

function showHeld() {
  for (const alert of held.values()) show(alert);
  held.clear();
  $("fresh").hidden = true;
  scrollTo({ top: 0 });
}

$("fresh")?.addEventListener("click", showHeld);
$("hold")?.addEventListener("click", () => {
  isHeld = !isHeld;
  $("hold").setAttribute("aria-pressed", isHeld);
  $("hold").textContent = isHeld ? "Held: go on" : "Hold";
  if (!isHeld) showHeld();
});

if ($("more") && matchMedia("(max-width: 40rem)").matches && ![...new FormData(filters).values()].some(Boolean)) {
  $("more").open = false;
}

// --- filters --------------------------------------------------------------------------------------------------

function chosenFilters() {
  return Object.fromEntries([...new FormData(filters)].filter(([, value]) => value));
}

let waiting;
async function filter() {
  const query = new URLSearchParams(chosenFilters());
  history.replaceState(null, "", `/?${query}`);
  const answer = await fetch(`/?${query}&part=1`);
  if (!answer.ok) return;
  stream.innerHTML = await answer.text();
  stream.dataset.live = "";
  stream.dataset.since = stream.querySelector(".card")?.dataset.ms ?? 0;
  held.clear();
  $("fresh").hidden = true;
  listen();
}
filters?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(filter, 200);
});
filters?.addEventListener("submit", (event) => {
  event.preventDefault();
  filter();
});

// --- forms that are answered in place ----------------------------------------------------------------------------

async function answerInPlace(form, submitter, place) {
  const body = new URLSearchParams(new FormData(form, submitter));
  try {
    const answer = await fetch(`${form.getAttribute("action")}?part=1`, { method: "POST", body });
    if (answer.ok) place.innerHTML = await answer.text(); // made by our own templates, which escape everything
    else {
      const problem = document.createElement("p");
      problem.className = "warning";
      problem.setAttribute("role", "alert");
      problem.textContent = (await answer.json()).title;
      place.replaceChildren(problem);
    }
  } catch {
    place.textContent = "Tocsin does not answer; is it running?";
  }
}

$("try")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  $("go").disabled = true;
  $("working").textContent = "Reading; the first time the language model has to be loaded…";
  await answerInPlace(event.target, null, $("result"));
  $("go").disabled = false;
  $("working").textContent = "";
});

document.addEventListener("submit", async (event) => {
  const place = $(event.target.dataset.into ?? "");
  if (!place || event.submitter?.value === "download") return;
  event.preventDefault();
  await answerInPlace(event.target, event.submitter, place);
  place.scrollIntoView({ block: "nearest" });
  (place.querySelector(".first") ?? place.querySelector("pre"))?.focus();
});

document.addEventListener("click", async (event) => {
  const what = event.target.dataset?.copy;
  if (!what) return;
  await navigator.clipboard.writeText($(what).textContent);
  event.target.textContent = "Copied";
});

// The plots beside the stream: whoever leaves the page open all day sees today's.
setInterval(async () => {
  if (!$("day") || document.hidden || $("day").contains(document.activeElement)) return;
  try {
    const answer = await fetch("/?part=day");
    if (answer.ok) $("day").innerHTML = await answer.text();
  } catch {
    // the live dot already says that nobody answers
  }
}, 60000);

// A browser keeps at most six connections to one host: a page that nobody sees gives its own back.
listen();
addEventListener("pagehide", () => source.close());
document.addEventListener("visibilitychange", () => (document.hidden ? source.close() : listen()));
