/**
 * Help beside the page: F1, or a link `<a data-help>`, opens its text in a dialog; links of the text stay in the dialog.
 * What cannot be shown there (a new tab, an answer that fails) is a page of its own at the same address.
 */
import { htmx } from "./fragments";

const dialogOf = (): HTMLDialogElement | null => document.querySelector<HTMLDialogElement>("#help");
const bodyOf = (dialog: HTMLElement): HTMLElement | null => dialog.querySelector<HTMLElement>("[data-help-body]");

async function show(address: string): Promise<void> {
  const dialog = dialogOf();
  const body = dialog && bodyOf(dialog);
  if (!dialog || !body) return;
  if (body.dataset["address"] !== address) {
    body.dataset["address"] = address;
    await htmx.ajax("get", address, { source: body, target: body, swap: "innerHTML" });
  }
  if (!body.firstElementChild) return;
  if (!dialog.open) {
    document.querySelectorAll<HTMLElement>(":popover-open").forEach((menu) => menu.hidePopover());
    dialog.showModal();
  }
  body.scrollTop = 0;
  body.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest<HTMLAnchorElement>("a[data-help], #help a[href]");
  if (!link || !dialogOf()) return;
  event.preventDefault();
  void show(link.pathname);
});

document.addEventListener("keydown", (event) => {
  const link = event.key === "F1" ? document.querySelector<HTMLAnchorElement>("a[data-help]") : null;
  if (!link) return;
  event.preventDefault();
  link.click();
});

/** A session that ended is asked for by session.ts; any other failure is the fallback's. */
document.addEventListener("htmx:responseError", (event) => {
  const { target, xhr } = (event as CustomEvent<{ target: HTMLElement; xhr: XMLHttpRequest }>).detail;
  if (!target.matches("[data-help-body]")) return;
  const address = target.dataset["address"] ?? "";
  delete target.dataset["address"];
  if (xhr.status !== 401 && address) window.location.assign(address);
});
