/** Keys of every page: `/` search, `?` all keys. Letters never fire in a field, and not when the reader turned them off. */

/** True when a key press belongs to the field, dialog or menu that has the focus. */
export function belongsToField(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  if (event.altKey || event.ctrlKey || event.metaKey) return true;
  return Boolean(target?.closest("input, select, textarea, [contenteditable], dialog[open], [popover]"));
}

/** Single-letter keys can be turned off by the reader (WCAG 2.1.4), in the dialog of the keys; a cookie tells the server. */
export function lettersAllowed(): boolean {
  return document.documentElement.dataset["letterKeys"] !== "off";
}

/** Keep a choice of this browser's for a year, for the server to write into its pages; empty forgets it. Never anything about a patient. */
export function keepChoice(name: string, value: string): void {
  const secure = window.location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; SameSite=Lax; Max-Age=${value ? 31536000 : 0}${secure}`;
}

function openKeys(): void {
  const dialog = document.querySelector<HTMLDialogElement>("#keys");
  if (dialog && !dialog.open) dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  if (belongsToField(event) || !lettersAllowed()) return;
  if (event.key === "/") {
    const search = document.querySelector<HTMLInputElement>("[data-search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "?") {
    event.preventDefault();
    openKeys();
  }
});

document.addEventListener("change", (event) => {
  const field = event.target as HTMLInputElement;
  if (!field.matches("[data-letters]")) return;
  document.documentElement.dataset["letterKeys"] = field.checked ? "on" : "off";
  keepChoice("letters", field.checked ? "" : "off");
});

/** Enter on a page about one study opens its images (`<a data-open>`), unless something else has the focus. */
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.defaultPrevented || belongsToField(event)) return;
  if ((event.target as Element).closest("a, button, summary, [tabindex]")) return;
  document.querySelector<HTMLAnchorElement>("a[data-open]")?.click();
});

/** `s` on a page about one study shares it (`<a data-share>`), where the reader may. */
document.addEventListener("keydown", (event) => {
  if (event.key !== "s" || event.defaultPrevented || belongsToField(event) || !lettersAllowed()) return;
  document.querySelector<HTMLAnchorElement>("a[data-share]")?.click();
});
