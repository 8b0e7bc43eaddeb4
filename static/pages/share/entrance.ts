/**
 * The secret of a link stands behind its `#`, which a browser sends to nobody. It goes into the form when the button is pressed,
 * not before: a program that follows links and runs scripts opens nothing.
 */
const SECRET = /^#([A-Za-z0-9_-]{43})$/;

const page = document.querySelector<HTMLElement>("[data-share-entrance]");
const form = page?.querySelector<HTMLFormElement>("[data-by-link]");
const field = form?.querySelector<HTMLInputElement>("[data-secret]");
const found = SECRET.exec(window.location.hash);

if (page && form && field && found) {
  form.hidden = false;
  page.querySelector<HTMLDetailsElement>("[data-by-code]")?.removeAttribute("open");
  form.addEventListener("submit", () => {
    field.value = found[1] ?? "";
    // The secret stays in no history: the page that opens has an address without it.
    window.history.replaceState(null, "", window.location.pathname);
  });
}
