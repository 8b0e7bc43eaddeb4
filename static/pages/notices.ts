/** Urgent notices over the page: one that is put off stays away on this tab until more of it happens; opening it is on the page of notifications. */
const KEPT = "notices-later";

const later = (): string[] => (sessionStorage.getItem(KEPT) ?? "").split(" ").filter(Boolean);

/** Hide what was put off; a toast that is drawn anew after a refresh stays hidden. */
function hide(): void {
  const known = new Set(later());
  document.querySelectorAll<HTMLElement>("[data-toast]").forEach((toast) => (toast.hidden = known.has(toast.dataset["toast"] ?? "")));
}

document.addEventListener("click", (event) => {
  const toast = (event.target as Element).closest("[data-toast-close]")?.closest<HTMLElement>("[data-toast]");
  if (!toast) return;
  sessionStorage.setItem(KEPT, [...later(), toast.dataset["toast"] ?? ""].slice(-50).join(" "));
  hide();
  document.getElementById("bell-link")?.focus();
});

document.addEventListener("htmx:afterSwap", hide);
hide();
