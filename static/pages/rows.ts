/**
 * A list moved by keys: `<tbody data-rows>`, each row with one link. Up and down choose, Enter opens, `n` and `p` are the
 * same from further away. The choice survives a refresh of the rows (by `data-key`) and the way back from another page.
 *
 * `data-preview` on the row is the address of its fragment: Space asks `#preview` for it.
 */
import { belongsToField, lettersAllowed } from "./keys";

const list = (): HTMLElement | null => document.querySelector("[data-rows]");
const rowsOf = (body: HTMLElement): HTMLTableRowElement[] => [...body.querySelectorAll<HTMLTableRowElement>("tr[data-key]")];
const place = `rows:${window.location.pathname}`;

function choose(row: HTMLTableRowElement, follow = true): void {
  row.parentElement?.querySelectorAll("[aria-selected=true]").forEach((other) => other.setAttribute("aria-selected", "false"));
  row.setAttribute("aria-selected", "true");
  sessionStorage.setItem(place, row.dataset["key"] ?? "");
  if (follow) row.scrollIntoView({ block: "nearest" });
  row.dispatchEvent(new CustomEvent("row:chosen", { bubbles: true }));
}

function restore(): void {
  const body = list();
  const key = sessionStorage.getItem(place);
  const row = body && key ? body.querySelector<HTMLTableRowElement>(`tr[data-key="${CSS.escape(key)}"]`) : null;
  if (row) row.setAttribute("aria-selected", "true");
}

function move(body: HTMLElement, step: number): void {
  const rows = rowsOf(body);
  if (!rows.length) return;
  const now = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
  const next = now < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(now + step, 0), rows.length - 1);
  const row = rows[next];
  if (row) choose(row);
}

document.addEventListener("keydown", (event) => {
  const body = list();
  if (!body || belongsToField(event)) return;
  const letters = lettersAllowed();
  const chosen = body.querySelector<HTMLTableRowElement>("tr[aria-selected=true]");
  if (event.key === "ArrowDown" || (letters && event.key === "n")) move(body, 1);
  else if (event.key === "ArrowUp" || (letters && event.key === "p")) move(body, -1);
  else if (event.key === "Enter" && chosen && !(event.target as Element).closest("a, button, summary")) {
    // Enter opens the images when the row names them, else its own page.
    const address = chosen.dataset["images"] ?? chosen.querySelector<HTMLAnchorElement>("a[href]")?.href;
    if (address) window.location.assign(address);
  } else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const row = (event.target as Element).closest<HTMLTableRowElement>("[data-rows] tr[data-key]");
  if (row) choose(row, false);
});

document.addEventListener("htmx:afterSwap", restore);
restore();
