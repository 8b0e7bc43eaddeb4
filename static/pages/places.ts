/**
 * The way back to a list: the same row at the same scroll, by Esc, by a page's own link back, or by the browser's button.
 *
 * The browser's cache of whole pages does it best; where it has dropped the list, what is kept for the tab by the list's
 * address does. UIDs and addresses only, and nothing outlives the tab.
 */
import { belongsToField } from "./keys";
import { choose, chosenRow, listOf, rowOf } from "./rows";
import { signedInAgain } from "./session";

const PLACES = "list:places";
const LAST = "list:last";
/** The list that was left last: its studies in their order, for whoever goes from one to the next without coming back. */
const ORDER = "list:order";
const MOST = 20;
const LIST = "/";

interface Place {
  address: string;
  key: string;
  top: number;
}

interface Order {
  address: string;
  rows: [key: string, images: string][];
  next: string;
  previous: string;
}

interface Entry {
  url: string | null;
  key: string;
}
interface History {
  currentEntry: (Entry & { index: number }) | null;
  entries(): Entry[];
  traverseTo(key: string): { committed: Promise<unknown>; finished: Promise<unknown> };
}

const address = window.location.pathname + window.location.search;
const scroller = (): HTMLElement => document.querySelector<HTMLElement>(".table-wrap") ?? document.documentElement;
/** A phone scrolls the page, everything wider the table. */
const top = (): number => Math.max(scroller().scrollTop, window.scrollY);

function places(): Place[] {
  try {
    return JSON.parse(sessionStorage.getItem(PLACES) ?? "[]") as Place[];
  } catch {
    return [];
  }
}

function keepPlace(here: Place): void {
  const others = places().filter((place) => place.address !== here.address);
  sessionStorage.setItem(PLACES, JSON.stringify([here, ...others].slice(0, MOST)));
}

function orderOf(page: Document, listed: string): Order {
  const rows = [...page.querySelectorAll<HTMLElement>("[data-rows] tr[data-key]")].map(({ dataset }): [string, string] => [dataset["key"] ?? "", dataset["images"] ?? ""]);
  const turned = (rel: string): string => page.querySelector(`a[rel=${rel}]`)?.getAttribute("href") ?? "";
  return { address: listed, rows: rows.filter(([, images]) => images), next: turned("next"), previous: turned("prev") };
}

function keep(): void {
  const list = listOf();
  if (!list) return;
  keepPlace({ address, key: chosenRow(list)?.dataset["key"] ?? "", top: top() });
  if (!list.hasAttribute("data-live")) return;
  sessionStorage.setItem(LAST, address);
  sessionStorage.setItem(ORDER, JSON.stringify(orderOf(document, address)));
}

/** The order of the list from which study `key` was opened; null when it was opened from elsewhere. */
function orderWith(key: string): Order | null {
  try {
    const order = JSON.parse(sessionStorage.getItem(ORDER) ?? "null") as Order | null;
    return order?.rows.some(([each]) => each === key) ? order : null;
  } catch {
    return null;
  }
}

export const isOfList = (key: string): boolean => orderWith(key) !== null;

/**
 * Where the images of the next study of the list are (`step` 1), or of the previous one (-1), over the end of its page too.
 * Empty at the end of the list, and where study `key` is of none. The list comes back at the study that is gone on to.
 */
export async function besideInList(key: string, step: 1 | -1): Promise<string> {
  let order = orderWith(key);
  if (!order) return "";
  let found = order.rows[order.rows.findIndex(([each]) => each === key) + step];
  const turned = step > 0 ? order.next : order.previous;
  if (!found && turned) {
    const { href, pathname, search } = new URL(turned, new URL(order.address, window.location.href));
    const answer = await fetch(href, { headers: { "X-Requested-With": "fetch" } });
    if (answer.status === 401) {
      await signedInAgain();
      return besideInList(key, step);
    }
    order = orderOf(new DOMParser().parseFromString(await answer.text(), "text/html"), pathname + search);
    found = order.rows.at(step > 0 ? 0 : -1);
  }
  if (!found) return "";
  sessionStorage.setItem(ORDER, JSON.stringify(order));
  const { address: listed } = order;
  keepPlace({ address: listed, key: found[0], top: places().find((place) => place.address === listed)?.top ?? 0 });
  return found[1];
}

function comeBack(list: HTMLElement): void {
  const place = places().find((entry) => entry.address === address);
  const row = place?.key ? rowOf(list, place.key) : null;
  const arrived = (performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming | undefined)?.type;
  if (row) choose(row, arrived === "back_forward" || document.referrer !== "");
  if (!place) return;
  scroller().scrollTop = place.top;
  if (place.top && !scroller().scrollTop) window.scrollTo(0, place.top);
  row?.scrollIntoView({ block: "nearest" });
}

/** Whether an address is the page that `back` names; from the viewer the list counts too, for most studies are opened from it. */
function isWayBack(url: string, back: string): boolean {
  const { pathname, origin } = new URL(url, window.location.href);
  const ways = [new URL(back, window.location.href).pathname];
  if (window.location.pathname.startsWith("/viewer/")) ways.push(LIST);
  return origin === window.location.origin && ways.includes(pathname);
}

/** Go back to where this page was opened from, without a new entry in the history; else to `back`, the list as it was left. */
export function leave(back: string): void {
  const history = (window as unknown as { navigation?: History }).navigation;
  const index = history?.currentEntry?.index ?? -1;
  const before = history?.entries().slice(0, Math.max(index, 0)).reverse();
  const entry = before?.find((each) => each.url && isWayBack(each.url, back));
  const isList = new URL(back, window.location.href).pathname === LIST;
  if (history && entry) {
    const steps = history.traverseTo(entry.key);
    // Both end with this page, or are broken off by another step that the reader takes: no fault.
    void Promise.allSettled([steps.committed, steps.finished]);
  } else if (!history && document.referrer && isWayBack(document.referrer, back)) window.history.back();
  else window.location.assign((isList && sessionStorage.getItem(LAST)) || back);
}

document.addEventListener("row:chosen", keep);
window.addEventListener("pagehide", keep);

document.addEventListener("click", (event) => {
  const link = (event.target as Element).closest<HTMLAnchorElement>("a[data-back]");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  leave(link.href);
});

// On the window: whatever Esc closes first (a tool, a menu, a dialog) has heard it before.
window.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || belongsToField(event)) return;
  const link = document.querySelector<HTMLAnchorElement>("a[data-back]");
  if (!link || document.querySelector(":popover-open, dialog[open]")) return;
  event.preventDefault();
  leave(link.href);
});

const list = listOf();
if (list) comeBack(list);
// Out of the browser's cache of pages the list stands as it was left; the reader may have gone on to another study of it.
window.addEventListener("pageshow", (event) => {
  if (event.persisted && list && places().find((place) => place.address === address)?.key !== chosenRow(list)?.dataset["key"]) comeBack(list);
});
