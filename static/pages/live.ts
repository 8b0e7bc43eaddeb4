/**
 * A list that changes while it is read. Every refresh is one conditional request (`hx-swap="rows"`); what it brings is put
 * into the rows that are there, cell by cell, so that focus, choice, ticks and scroll stay. New rows are put in at once
 * while nobody reads (at the top, nothing chosen, pointer still); otherwise they wait behind the button that counts them.
 */
import { htmx } from "./fragments";
import { chosenRow, listOf, rove, rowsOf } from "./rows";

const STILL_MS = 4000;
/** What the server wrote into a row; scripts have changed it since. */
const written = new WeakMap<Element, string>();
let waiting: HTMLElement | null = null;
let moved = 0;

type Row = HTMLTableRowElement;
const keyOf = (row: Row): string => row.dataset["key"] ?? "";

function isRead(list: HTMLElement): boolean {
  const scrolled = Math.max(list.closest(".table-wrap")?.scrollTop ?? 0, window.scrollY) > 4;
  const pointed = performance.now() - moved < STILL_MS && moved > 0;
  return scrolled || pointed || chosenRow(list) !== null || list.querySelector("[data-tick]:checked") !== null;
}

function write(row: Row, fresh: Row): void {
  if (written.get(row) === written.get(fresh)) return;
  const ticked = row.querySelector<HTMLInputElement>("[data-tick]")?.checked ?? false;
  const focus = row.contains(document.activeElement) && document.activeElement !== row;
  [...fresh.cells].forEach((cell, index) => {
    const old = row.cells[index];
    if (old && old.innerHTML !== cell.innerHTML) old.replaceWith(cell.cloneNode(true));
    else if (!old) row.append(cell.cloneNode(true));
  });
  while (row.cells.length > fresh.cells.length) row.cells[row.cells.length - 1]?.remove();
  for (const { name, value } of [...fresh.attributes]) if (name.startsWith("data-")) row.setAttribute(name, value);
  const tick = row.querySelector<HTMLInputElement>("[data-tick]");
  if (tick) tick.checked = ticked;
  if (focus) row.focus({ preventScroll: true });
  written.set(row, written.get(fresh) ?? "");
  row.dispatchEvent(new CustomEvent("row:changed", { bubbles: true }));
}

/** Put everything in, in the server's order. */
function show(list: HTMLElement, rows: Row[]): void {
  const known = new Map(rowsOf(list).map((row) => [keyOf(row), row]));
  let place = list.firstElementChild;
  for (const fresh of rows) {
    const old = known.get(keyOf(fresh));
    known.delete(keyOf(fresh));
    if (old) write(old, fresh);
    else fresh.classList.add("fresh");
    const row = old ?? fresh;
    if (row === place) place = place.nextElementSibling;
    else list.insertBefore(row, place);
    if (!old) htmx.process(row);
  }
  known.forEach((row) => row.remove());
}

/** Put in what changed in the rows that are there, and take away what is gone. */
function update(list: HTMLElement, rows: Row[], arrivals: number): void {
  const answered = new Map(rows.map((row) => [keyOf(row), row]));
  const old = rowsOf(list);
  const pushedOut = document.querySelector("a[rel=next]") ? old.length - arrivals : old.length;
  old.forEach((row, index) => {
    const fresh = answered.get(keyOf(row));
    if (fresh) write(row, fresh);
    else if (index < pushedOut) row.remove();
  });
}

function tell(count: number): void {
  const button = document.querySelector<HTMLElement>("[data-arrivals]");
  const label = button?.querySelector<HTMLElement>("[data-arrivals-text]");
  if (!button || !label) return;
  const words = (count === 1 ? button.dataset["one"] : button.dataset["many"]) ?? "";
  const text = count ? words.replace("{count}", String(count)) : "";
  if (label.textContent !== text) label.textContent = text;
  button.classList.toggle("is-shown", count > 0);
  (button as HTMLButtonElement).disabled = count === 0;
}

function release(): void {
  const list = listOf();
  const fresh = waiting;
  waiting = null;
  tell(0);
  if (!list || !fresh) return;
  show(list, rowsOf(fresh));
  rove(list);
}

function merge(list: HTMLElement, fresh: HTMLElement): void {
  const rows = rowsOf(fresh);
  rows.forEach((row) => {
    written.set(row, row.innerHTML);
    row.classList.remove("fresh");
  });
  const known = new Set(rowsOf(list).map(keyOf));
  const arrivals = rows.filter((row) => !known.has(keyOf(row))).length;
  waiting = null;
  if (isRead(list)) {
    update(list, rows, arrivals);
    waiting = fresh;
    tell(arrivals);
  } else {
    show(list, rows);
    tell(0);
  }
  for (const { name, value } of [...fresh.attributes]) list.setAttribute(name, value);
  rove(list);
  htmx.process(list);
}

htmx.defineExtension("rows", {
  handleSwap: (style: string, target: Node, fragment: Node): boolean => {
    if (style !== "rows") return false;
    const fresh = (fragment as DocumentFragment).querySelector<HTMLElement>("[data-rows]");
    if (fresh) merge(target as HTMLElement, fresh);
    return true;
  },
});

// Nothing has changed since (304); does anybody still read what made the new rows wait?
document.addEventListener("htmx:beforeSwap", () => {
  const list = listOf();
  if (waiting && list && !isRead(list)) release();
});

document.addEventListener("click", (event) => {
  if (!(event.target as Element).closest("[data-arrivals]")) return;
  release();
  document.querySelector(".table-wrap")?.scrollTo({ top: 0 });
  window.scrollTo({ top: 0 });
  const list = listOf();
  if (list) rowsOf(list)[0]?.focus({ preventScroll: true });
});

document.addEventListener(
  "pointermove",
  (event) => {
    if ((event.target as Element).closest?.("[data-rows]")) moved = performance.now();
  },
  { passive: true },
);

const list = listOf();
if (list?.hasAttribute("data-live")) rowsOf(list).forEach((row) => written.set(row, row.innerHTML));
