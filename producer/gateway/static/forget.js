// Going back brings a page again as it was left, with what was typed: passwords must not stay.
addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll('input[type="password"], textarea')) field.value = "";
});
document.getElementById("problems")?.focus();
