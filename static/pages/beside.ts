/**
 * What the health record tells, beside the images: opened by its button or by `g`, and asked for when it is first opened.
 *
 * Whether it stands open is remembered in this browser. A window that the record itself opened begins with it.
 */
export {};
const CHOSEN = "beside-images";
const BY_RECORD = "opened-by-record";

const panel = (): HTMLElement | null => document.getElementById("record-beside");

function show(aside: HTMLElement, isOpen: boolean): void {
  aside.hidden = !isOpen;
  for (const button of document.querySelectorAll("[data-beside][aria-expanded]")) button.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) aside.querySelector("[data-record-told]")?.dispatchEvent(new CustomEvent("opened"));
}

function toggle(aside: HTMLElement): void {
  const isOpen = Boolean(aside.hidden);
  window.localStorage.setItem(CHOSEN, isOpen ? "open" : "closed");
  show(aside, isOpen);
  if (!isOpen) document.querySelector<HTMLElement>("[data-beside][aria-expanded]")?.focus();
}

document.addEventListener("click", (event) => {
  const aside = event.target instanceof Element && event.target.closest("[data-beside]") ? panel() : null;
  if (aside) toggle(aside);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "g" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target instanceof Element && event.target.closest("input, select, textarea, [contenteditable], dialog")) return;
  const aside = panel();
  if (aside) toggle(aside);
});

// htmx listens once the page is read, and `record.ts` has noted by then who opened the window.
window.addEventListener("load", () => {
  const aside = panel();
  const chosen = window.localStorage.getItem(CHOSEN);
  if (aside && (chosen === "open" || (chosen === null && window.sessionStorage.getItem(BY_RECORD) === "yes"))) show(aside, true);
});
