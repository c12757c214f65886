// Fills the bar at the bottom: where this page came from, and how old it is.
//
// Nothing of this is in the page itself, which is stored once for everybody. The
// browser keeps the answer to this very load, headers included, in its own cache, and
// hands it out again without asking the server. Where it does not, the server is asked
// for the page's state now, and the bar says so: that question comes after the load, so
// that a page rendered for this load is already a HIT.

const MEANINGS = {
  HIT: "answered from the store",
  STALE: "answered from the store, while a newer page is being made",
  MISS: "rendered for this visit, and stored",
  BYPASS: "answered by the view, not stored",
};

async function askBrowser(page) {
  const options = { cache: "only-if-cached", mode: "same-origin" };
  const answer = await fetch(page, options).catch(() => null);
  return answer?.headers.has("X-ISR-Cache") ? answer.headers : null;
}

async function askServer(page) {
  const answer = await fetch(page, { method: "HEAD", cache: "no-store" });
  return answer.headers;
}

function meaning(state, headers) {
  const failed = /detail=(error|timeout)/.test(headers.get("Cache-Status") ?? "");
  return failed ? "the last good page: its render failed, or is slow" : MEANINGS[state];
}

function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

function lifetime(headers, loaded) {
  const ttl = /;\s*ttl=(-?\d+)/.exec(headers.get("Cache-Status") ?? "");
  if (!ttl) return "";
  const left = Number(ttl[1]) - (Date.now() - loaded) / 1000;
  return left > 0 ? `fresh for ${duration(left)} more` : `stale for ${duration(-left)}`;
}

async function show() {
  const bar = document.getElementById("state");
  const part = (name) => bar.querySelector(`[data-${name}]`);
  const rendered = Date.parse(document.querySelector("[data-rendered]").dateTime);
  const loaded = performance.timeOrigin;
  const page = location.pathname + location.search;

  const own = await askBrowser(page);
  const headers = own ?? (await askServer(page));
  const state = headers.get("X-ISR-Cache");
  if (!state) return; // an error page that nothing stores
  bar.dataset.known = state;
  part("state").textContent = state;
  part("meaning").textContent = own || state === "BYPASS"
    ? meaning(state, headers)
    : "(asked again just now)";

  const tick = () => {
    const age = Math.max(0, Date.now() - rendered) / 1000;
    part("age").textContent = duration(age);
    part("lifetime").textContent = lifetime(headers, loaded);
    setTimeout(tick, age < 10 ? 100 : 1000);
  };
  tick();
  bar.hidden = false;
}

show();
