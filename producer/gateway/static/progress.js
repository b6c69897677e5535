// Shows progress as it is told, and the result once there is one. An EventSource comes back by itself
// when a gateway restarts; where it gives up for good, the page is asked for again.
const place = document.getElementById("progress");
const count = document.getElementById("count");
const bar = document.getElementById("bar");
const events = new EventSource(place.dataset.events);

events.addEventListener("progress", (event) => {
  const { done, total } = JSON.parse(event.data);
  count.textContent = `${done} of ${total}`;
  document.title = `${done} of ${total} tested · Mailvouch`;
  bar.max = total || 1;
  bar.value = done;
});
events.addEventListener("done", () => {
  events.close();
  location.reload();
});
events.addEventListener("error", () => {
  if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 3000);
});
