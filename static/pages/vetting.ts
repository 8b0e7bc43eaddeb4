/**
 * The vetting list: the chosen request stands beside it, and what is typed about one survives looking at another.
 *
 * Letters press the buttons of the detail (`data-letter`, desk.ts), rows move as everywhere (rows.ts). Nothing typed is kept
 * longer than the page: it may tell of a patient.
 */
import { htmx } from "./fragments";
import { choose, chosenRow, listOf, rove, rowOf, rowsOf } from "./rows";

const WIDE = window.matchMedia("(min-width: 62.01rem)");
/** What was typed, by request and field; only what differs from what the server wrote. */
const typed = new Map<string, Map<string, string>>();
/** Of two rows chosen in a hurry the later one is shown. */
let asked = "";

type Field = HTMLInputElement | HTMLTextAreaElement;
const panes = (): HTMLElement | null => document.querySelector<HTMLElement>("[data-vetting]");
const detail = (): HTMLElement | null => document.querySelector<HTMLElement>("#vetting-detail");
const shown = (): string => detail()?.querySelector<HTMLElement>("[data-request]")?.dataset["request"] ?? "";
const addressOf = (row: HTMLElement): string => row.querySelector<HTMLAnchorElement>("a[href]")?.href ?? "";

function restore(): void {
  const kept = typed.get(shown());
  kept?.forEach((text, id) => {
    const field = document.getElementById(id) as Field | null;
    if (!field) return;
    field.value = text;
    field.closest("details")?.setAttribute("open", "");
  });
  document.querySelectorAll<HTMLElement>("[data-fills]").forEach((list) => (list.hidden = false));
}

function show(row: HTMLTableRowElement): void {
  const key = row.dataset["key"] ?? "";
  const address = addressOf(row);
  if (!address || !WIDE.matches) return;
  asked = key;
  detail()?.setAttribute("aria-busy", "true");
  // Ready at once: a key pressed before the part is htmx's own would send its form as a page.
  void htmx.ajax("get", address, { target: "#vetting-detail", swap: "innerHTML settle:0ms" }).then(() => {
    detail()?.removeAttribute("aria-busy");
    if (asked !== key) return;
    panes()?.classList.add("has-one");
    window.history.replaceState(window.history.state, "", address);
  });
}

/** Begin with the first where nothing is chosen, and give the list its way in. */
function begin(): void {
  const list = listOf();
  if (!panes() || !list) return;
  rove(list);
  restore();
  const row = chosenRow(list) ?? (shown() ? null : rowsOf(list)[0]);
  if (row && WIDE.matches) choose(row, document.activeElement === document.body);
}

document.addEventListener("row:chosen", (event) => {
  const row = event.target as HTMLTableRowElement;
  if (panes() && row.dataset["key"] !== shown()) show(row);
});

// The chosen request was changed by somebody else: shown anew, unless something is being typed about it, which its decision tells of.
document.addEventListener("row:changed", (event) => {
  const row = event.target as HTMLTableRowElement;
  const one = detail()?.querySelector<HTMLElement>("[data-request]");
  if (!one || row.dataset["key"] !== one.dataset["request"] || row.dataset["version"] === one.dataset["version"]) return;
  if (!typed.has(shown())) show(row);
});

document.addEventListener("click", (event) => {
  const link = (event.target as Element).closest<HTMLAnchorElement>("[data-vetting] [data-rows] a");
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  // Beside the list where there is room; elsewhere the link is followed.
  if (link && plain && WIDE.matches) event.preventDefault();
});

document.addEventListener("input", (event) => {
  const field = event.target as Field;
  if (!field.matches("#vetting-detail [data-typed]")) return;
  const kept = typed.get(shown()) ?? new Map<string, string>();
  if (field.value === field.defaultValue) kept.delete(field.id);
  else kept.set(field.id, field.value);
  if (kept.size) typed.set(shown(), kept);
  else typed.delete(shown());
});

document.addEventListener("change", (event) => {
  const list = event.target as HTMLSelectElement;
  const field = document.getElementById(list.dataset?.["fills"] ?? "") as Field | null;
  if (!field || !list.value) return;
  field.value = list.value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});

// A part that opens is about to be written in: at once, so that what is typed on is no key of the page.
document.addEventListener("click", (event) => {
  const part = (event.target as Element).closest(".vet-more > summary")?.parentElement;
  if (!(part instanceof HTMLDetailsElement)) return;
  event.preventDefault();
  part.open = !part.open;
  if (!part.open) return;
  part.querySelector<HTMLElement>("textarea, select")?.focus();
  part.scrollIntoView({ block: "nearest" });
});

document.addEventListener("keydown", (event) => {
  const field = (event.target as Element).closest<HTMLElement>("#vetting-detail :is(input, textarea, select)");
  if (!field) return;
  if (event.key === "Escape") {
    event.preventDefault();
    const list = listOf();
    const row = list ? chosenRow(list) : null;
    if (row) row.focus({ preventScroll: true });
    else field.blur();
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    field.closest("form")?.requestSubmit();
  }
});

document.addEventListener("htmx:afterSwap", (event) => {
  const target = (event as CustomEvent<{ target: Element }>).detail.target;
  if (target.id === "vetting-detail") restore();
});

// A decision was taken, or refused: both panes are new.
document.addEventListener("htmx:load", (event) => {
  const fresh = event.target as HTMLElement;
  if (!fresh.matches("[data-vetting]")) return;
  const decided = fresh.dataset["decided"];
  if (decided) typed.delete(decided);
  begin();
  const list = listOf();
  const row = list && shown() ? rowOf(list, shown()) : null;
  if (fresh.querySelector("[role=alert]")) fresh.querySelector<HTMLElement>(".vet-more[open] textarea, #vet-protocol")?.focus();
  else if (row) row.focus({ preventScroll: true });
  else detail()?.focus({ preventScroll: true });
});

begin();
