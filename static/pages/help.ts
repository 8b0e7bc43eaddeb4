/**
 * Help beside the page: F1, or a link `<a data-help>`, opens its text in a dialog; links of the text stay in the dialog.
 * What cannot be shown there (a new tab, an answer that fails) is a page of its own at the same address.
 */
import { htmx } from "./fragments";

const dialogOf = (): HTMLDialogElement | null => document.querySelector<HTMLDialogElement>("#help");
/** The text in the dialog. */
let shown = "";

async function show(dialog: HTMLDialogElement, address: string): Promise<void> {
  const body = dialog.querySelector<HTMLElement>("[data-help-body]");
  if (!body) return;
  if (shown !== address) {
    shown = "";
    body.replaceChildren();
    await htmx.ajax("get", address, { source: body, target: body, swap: "innerHTML" }).catch(() => undefined);
    if (!body.firstElementChild) return;
    shown = address;
  }
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
  const dialog = dialogOf();
  if (!link || !dialog) return;
  event.preventDefault();
  void show(dialog, link.pathname);
});

document.addEventListener("keydown", (event) => {
  const link = event.key === "F1" ? document.querySelector<HTMLAnchorElement>("a[data-help]") : null;
  if (!link) return;
  event.preventDefault();
  link.click();
});

/** A session that ended is asked for by session.ts, where a page has it; whatever else fails here may do as a page. */
for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, (event) => {
    const { target, xhr, pathInfo } = (event as CustomEvent<Failure>).detail;
    const isAskedFor = xhr.status === 401 && document.getElementById("sign-in-again") !== null;
    if (target.matches("[data-help-body]") && !isAskedFor) window.location.assign(pathInfo.requestPath);
  });
}

interface Failure {
  target: Element;
  xhr: XMLHttpRequest;
  pathInfo: { requestPath: string };
}
