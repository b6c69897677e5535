// A second click or Enter before the answer would be a second test, with a second login.
const ANSWER_MILLISECONDS = 10_000;
let sent = -Infinity;
document.querySelector("form").addEventListener("submit", (event) => {
  if (event.timeStamp - sent < ANSWER_MILLISECONDS) event.preventDefault();
  else sent = event.timeStamp;
});

// Going back brings a page again as it was left, with what was typed: passwords must not stay.
addEventListener("pageshow", () => {
  sent = -Infinity;
  for (const field of document.querySelectorAll('input[type="password"], textarea')) field.value = "";
});
document.getElementById("problems")?.focus();
