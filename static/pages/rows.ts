/**
 * A list moved by keys: `<tbody data-rows>`, each row `<tr data-key>` with one link.
 *
 * One row is the way in for Tab (roving tabindex), and has the focus while keys move it: a screen reader says it then.
 * Up and down or `j` and `k` choose, also over the end of a page (`rel=next`, `rel=prev`). A row that names its images
 * (`data-images`) is chosen by one click and opened by two, or by Enter; a row of a desk has its own link, or a button that
 * Enter presses (`data-enter`), and others with letters of their own (`data-row-letter`).
 */
import { belongsToField, lettersAllowed } from "./keys";

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };
const LETTERS: Readonly<Record<string, number>> = { j: 1, k: -1, n: 1, p: -1 };
/** Which row the page that is about to load begins with: its first or its last one. */
const ENTRY = "rows:entry";

let anchor: HTMLTableRowElement | null = null;
let pointer = "mouse";

export const listOf = (): HTMLElement | null => document.querySelector<HTMLElement>("[data-rows]");
export const rowsOf = (list: HTMLElement): HTMLTableRowElement[] => [
  ...list.querySelectorAll<HTMLTableRowElement>("tr[data-key]"),
];
export const chosenRow = (list = listOf()): HTMLTableRowElement | null =>
  list?.querySelector<HTMLTableRowElement>("tr[aria-selected=true]") ?? null;
export const rowOf = (list: HTMLElement, key: string): HTMLTableRowElement | null =>
  list.querySelector<HTMLTableRowElement>(`tr[data-key="${CSS.escape(key)}"]`);

/** Make one row the way in for Tab; links and ticks within rows are reached by the row's own keys. */
export function rove(list: HTMLElement): void {
  const rows = rowsOf(list);
  const entry = chosenRow(list) ?? rows[0];
  for (const row of rows) {
    row.tabIndex = row === entry ? 0 : -1;
    if (row.dataset["images"]) row.querySelectorAll<HTMLElement>("a, input").forEach((part) => (part.tabIndex = -1));
  }
}

/** Choose a row. `focus` gives it the focus and scrolls no further than needed. */
export function choose(row: HTMLTableRowElement, focus = true): void {
  const list = row.closest<HTMLElement>("[data-rows]");
  if (!list) return;
  list.querySelectorAll("[aria-selected=true]").forEach((other) => {
    if (other !== row) other.removeAttribute("aria-selected");
  });
  row.setAttribute("aria-selected", "true");
  rove(list);
  if (focus) {
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
  row.dispatchEvent(new CustomEvent("row:chosen", { bubbles: true }));
}

/** Where Enter and a double click lead: the images when the row names them, else its own page. */
function addressOf(row: HTMLTableRowElement): string {
  return row.dataset["images"] ?? row.querySelector<HTMLAnchorElement>("a[href]")?.href ?? "";
}

function open(row: HTMLTableRowElement, event: KeyboardEvent | MouseEvent): void {
  const act = row.querySelector<HTMLElement>("[data-enter]");
  if (act && !event.shiftKey && !event.ctrlKey && !event.metaKey) {
    act.click();
    return;
  }
  const page = row.querySelector<HTMLAnchorElement>("a[href]")?.href;
  const address = event.shiftKey && page ? page : addressOf(row);
  if (!address) return;
  if (event.ctrlKey || event.metaKey) window.open(address, "_blank", "noopener");
  else window.location.assign(address);
}

function turnPage(step: number): void {
  const link = document.querySelector<HTMLAnchorElement>(step > 0 ? "a[rel=next]" : "a[rel=prev]");
  if (!link) return;
  sessionStorage.setItem(ENTRY, step > 0 ? "first" : "last");
  window.location.assign(link.href);
}

function move(list: HTMLElement, step: number): void {
  const rows = rowsOf(list);
  const chosen = chosenRow(list);
  const next = chosen ? rows.indexOf(chosen) + step : step > 0 ? 0 : rows.length - 1;
  const row = rows[next];
  if (row) choose(row);
  else if (chosen) turnPage(step);
}

/** Tick a row, or with Shift every row from the one that was ticked last. */
function tick(list: HTMLElement, row: HTMLTableRowElement, range: boolean): void {
  const rows = rowsOf(list);
  const from = range && anchor ? rows.indexOf(anchor) : -1;
  const to = rows.indexOf(row);
  const field = row.querySelector<HTMLInputElement>("[data-tick]");
  if (!field) return;
  const state = from < 0 ? !field.checked : (anchor?.querySelector<HTMLInputElement>("[data-tick]")?.checked ?? true);
  const part = from < 0 ? [row] : rows.slice(Math.min(from, to), Math.max(from, to) + 1);
  for (const each of part) {
    const own = each.querySelector<HTMLInputElement>("[data-tick]");
    if (own) own.checked = state;
  }
  field.dispatchEvent(new Event("change", { bubbles: true }));
  anchor = row;
}

/** What the chosen row does by a letter of its own (`data-row-letter`). */
function actOf(row: HTMLTableRowElement | null, event: KeyboardEvent): HTMLElement | null {
  if (!row || !lettersAllowed() || event.shiftKey || !/^[a-z]$/.test(event.key)) return null;
  return row.querySelector<HTMLElement>(`[data-row-letter="${event.key}"]`);
}

function stepOf(event: KeyboardEvent): number {
  const within = (event.target as Element).closest("[data-preview-panel]");
  const step = within ? undefined : STEPS[event.key];
  // A letter that presses a button of the page moves nothing.
  const isTaken = document.querySelector(`main [data-letter="${CSS.escape(event.key)}"]`) !== null;
  return step ?? (lettersAllowed() && !isTaken ? (LETTERS[event.key] ?? 0) : 0);
}

document.addEventListener("keydown", (event) => {
  const list = listOf();
  const target = event.target as Element;
  const onRow = target.matches("tr[data-key]");
  if (!list || (belongsToField(event) && !(onRow && event.key === "Enter"))) return;
  const chosen = chosenRow(list);
  const step = stepOf(event);
  const act = actOf(chosen, event);
  const ticks = lettersAllowed() && event.key.toLowerCase() === "x" && chosen?.dataset["images"];
  if (step && event.shiftKey && chosen?.dataset["images"]) {
    anchor ??= chosen;
    move(list, step);
    const row = chosenRow(list);
    if (row) tick(list, row, true);
  } else if (step) move(list, step);
  else if (onRow && (event.key === "Home" || event.key === "End")) {
    const row = rowsOf(list).at(event.key === "Home" ? 0 : -1);
    if (row) choose(row);
  } else if (event.key === "Enter" && chosen && !target.closest("a, button, summary")) open(chosen, event);
  else if (ticks && chosen) tick(list, chosen, event.shiftKey);
  else if (act) act.click();
  else return;
  event.preventDefault();
});

document.addEventListener("pointerdown", (event) => (pointer = event.pointerType), { passive: true });

document.addEventListener("click", (event) => {
  const row = (event.target as Element).closest<HTMLTableRowElement>("[data-rows] tr[data-key]");
  if (!row) return;
  const list = row.closest<HTMLElement>("[data-rows]");
  const field = (event.target as Element).closest<HTMLInputElement>("[data-tick]");
  if (field && list) {
    if (event.shiftKey && anchor && anchor !== row) {
      field.checked = !field.checked;
      tick(list, row, true);
    } else anchor = row;
    return;
  }
  // With a mouse one click chooses: two open. A finger, a key and a screen reader follow the link.
  const link = (event.target as Element).closest("a");
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (link && row.dataset["images"] && plain && pointer === "mouse" && event.detail > 0) event.preventDefault();
  choose(row, Boolean(row.dataset["images"]) && plain);
});

document.addEventListener("dblclick", (event) => {
  const row = (event.target as Element).closest<HTMLTableRowElement>("[data-rows] tr[data-images]");
  if (row && !(event.target as Element).closest("input, button")) open(row, event);
});

/** Who tabs into a row has chosen it. */
document.addEventListener("focusin", (event) => {
  const row = (event.target as Element).closest<HTMLTableRowElement>("[data-rows] tr[data-key]");
  if (row && row === event.target && row.getAttribute("aria-selected") !== "true" && row.matches(":focus-visible")) choose(row, false);
});

const list = listOf();
if (list) {
  rove(list);
  const entry = sessionStorage.getItem(ENTRY);
  sessionStorage.removeItem(ENTRY);
  const row = entry ? rowsOf(list).at(entry === "first" ? 0 : -1) : undefined;
  // After the other modules have begun to listen.
  if (row) queueMicrotask(() => window.setTimeout(() => choose(row)));
}
