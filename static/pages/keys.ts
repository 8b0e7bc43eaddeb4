/** Keys of every page: `/` search, `?` all keys. Letters never fire in a field, and not when the reader turned them off. */

/** True when a key press belongs to the field, dialog or menu that has the focus. */
export function belongsToField(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  if (event.altKey || event.ctrlKey || event.metaKey) return true;
  return Boolean(target?.closest("input, select, textarea, [contenteditable], dialog[open], [popover]"));
}

/** Single-letter keys can be turned off by the reader (WCAG 2.1.4); the server writes the choice on `<html>`. */
export function lettersAllowed(): boolean {
  return document.documentElement.dataset["letterKeys"] !== "off";
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

/** Enter on a page about one study opens its images (`<a data-open>`), unless something else has the focus. */
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.defaultPrevented || belongsToField(event)) return;
  if ((event.target as Element).closest("a, button, summary, [tabindex]")) return;
  document.querySelector<HTMLAnchorElement>("a[data-open]")?.click();
});
