/**
 * htmx: fragments of the page the server renders. Attributes only (`hx-get`, `hx-target`, `hx-trigger`): `hx-on` and
 * filters in brackets need eval, which the policy forbids. Its settings stand in base.html's `htmx-config`.
 */
import htmx from "htmx.org";

/** Send Django's token with every writing request. */
document.addEventListener("htmx:configRequest", (event) => {
  const token = document.body.dataset["csrf"];
  const detail = (event as CustomEvent<{ headers: Record<string, string>; verb: string }>).detail;
  if (token && detail.verb !== "get") detail.headers["X-CSRFToken"] = token;
});

/**
 * A list that refreshes itself (`hx-trigger="every 3s"`) must not move under the reader: no refresh while the tab is
 * hidden, a dialog is open, or text is being typed inside the part that would be replaced.
 */
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, target } = (event as CustomEvent<{ elt: Element; target: Element }>).detail;
  if (!/\bevery\b/.test(elt.getAttribute("hx-trigger") ?? "")) return;
  const writing = document.activeElement?.matches("input, select, textarea") && target.contains(document.activeElement);
  if (document.hidden || document.querySelector("dialog[open]") || writing) event.preventDefault();
});

/** The same answer as last time (304) or nothing new (204): leave the page as it is. */
document.addEventListener("htmx:beforeSwap", (event) => {
  const detail = (event as CustomEvent<{ xhr: XMLHttpRequest; shouldSwap: boolean }>).detail;
  if (detail.xhr.status === 304 || detail.xhr.status === 204) detail.shouldSwap = false;
});

export { htmx };
