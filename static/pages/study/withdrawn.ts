/**
 * A study that is withdrawn, moved or closed while its page is open: the page asks now and then, and is told that there is
 * no such study (404) or that the right has gone (403). What was shown is taken away, and the page says what happened.
 */
document.addEventListener("htmx:responseError", (event) => {
  const { elt, xhr } = (event as CustomEvent<{ elt: Element; xhr: XMLHttpRequest }>).detail;
  if (![403, 404].includes(xhr.status) || !elt.matches("[data-live-study]")) return;
  document.querySelector("[data-of-study]")?.remove();
  document.querySelector(".patient")?.remove();
  document.querySelectorAll(".study-head > :not([data-back])").forEach((part) => part.remove());
  const note = document.getElementById("study-gone");
  if (!note) return;
  note.hidden = false;
  document.title = note.querySelector("strong")?.textContent ?? document.title;
});
