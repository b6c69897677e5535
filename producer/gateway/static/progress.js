// Shows progress as it is told, and the result once there is one. An EventSource comes back by itself
// when a gateway restarts; where it gives up for good, the page is asked for again.
// A page that nobody sees does not listen: a browser has six connections for all of a gateway's
// pages, and the seventh would not load. It is asked for again now and then.
const HIDDEN_MILLISECONDS = 10_000;
const RETRY_MILLISECONDS = 3000;
const place = document.getElementById("progress");
const count = document.getElementById("count");
const bar = document.getElementById("bar");
let events = null;
let again = null;

function listen() {
  const source = new EventSource(place.dataset.events);
  source.addEventListener("progress", (event) => {
    const { done, total } = JSON.parse(event.data);
    count.textContent = `${done} of ${total}`;
    document.title = `${done} of ${total} tested · Mailvouch`;
    bar.max = total || 1;
    bar.value = done;
  });
  source.addEventListener("done", () => {
    source.close();
    location.reload();
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) later(RETRY_MILLISECONDS);
  });
  return source;
}

function later(milliseconds) {
  clearTimeout(again);
  again = setTimeout(renew, milliseconds);
}

// Not before the gateway answers: the browser's own page, or that of an outage, renews nothing.
async function renew() {
  try {
    const answer = await fetch(location.href, { method: "HEAD" });
    if (answer.status < 500) return location.reload();
  } catch {}
  later(RETRY_MILLISECONDS);
}

function follow() {
  events?.close();
  clearTimeout(again);
  if (document.hidden) later(HIDDEN_MILLISECONDS);
  else events = listen();
}

document.addEventListener("visibilitychange", follow);
follow();
