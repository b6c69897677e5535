// A second click or Enter before the answer would be a second test, with a second login.
const ANSWER_MILLISECONDS = 10_000;
let sent = -Infinity;
const form = document.querySelector("form");
// A browser keeps on disk what was sent for the page that it shows, to load it again; not of a form
// with a filled password field. A batch holds passwords too. (form.html has this for no scripts.)
const marker = document.createElement("input");
Object.assign(marker, { type: "password", autocomplete: "off", hidden: true });
form.addEventListener("submit", (event) => {
  if (event.timeStamp - sent < ANSWER_MILLISECONDS) return event.preventDefault();
  sent = event.timeStamp;
  marker.value = "-";
  form.append(marker);
});

// Going back brings a page again as it was left, with what was typed: passwords must not stay. A page
// that loads slowly shows itself only after somebody has typed into it: that must stay.
addEventListener("pageshow", (event) => {
  sent = -Infinity;
  const [visit] = performance.getEntriesByType("navigation");
  if (!event.persisted && visit.type !== "back_forward") return;
  for (const field of document.querySelectorAll('input[type="password"], textarea')) field.value = "";
});
document.getElementById("problems")?.focus();
