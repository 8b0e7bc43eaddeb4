/**
 * The command palette: Ctrl-K or Cmd-K, a few letters, Enter. Studies and lists are asked from the server while the letters
 * come (one request at a time, the older one dropped); pages and actions stand in the dialog already.
 *
 * A combobox with a list box (ARIA 1.2): the focus stays in the field, `aria-activedescendant` names the option.
 */
import { sessionEnded } from "./session";

const WAIT_MS = 120;

const dialogOf = (): HTMLDialogElement | null => document.querySelector<HTMLDialogElement>("#palette");
const fieldOf = (): HTMLInputElement | null => document.querySelector<HTMLInputElement>("[data-palette-input]");
let wait = 0;
let asking: AbortController | null = null;
/** The reader's lists, as the server gave them for an empty field. */
let lists: string | null = null;
/** Whether the option was chosen by arrow or pointer since the text last changed: what arrives later leaves it alone. */
let isChosenByHand = false;

const plain = (text: string): string =>
  text.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLocaleLowerCase().trim();

const options = (dialog: HTMLElement): HTMLElement[] =>
  [...dialog.querySelectorAll<HTMLElement>("[role=option]")].filter((option) => !option.hidden);

function activate(dialog: HTMLElement, option: HTMLElement | undefined): void {
  dialog.querySelectorAll("[role=option][aria-selected=true]").forEach((other) => other.setAttribute("aria-selected", "false"));
  const field = fieldOf();
  if (!option) {
    field?.removeAttribute("aria-activedescendant");
    return;
  }
  option.setAttribute("aria-selected", "true");
  field?.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

/** Hide the pages, actions and lists that do not hold every word, then say how many options are left. */
function narrow(dialog: HTMLElement, isComplete: boolean): void {
  const words = plain(fieldOf()?.value ?? "").split(/\s+/).filter(Boolean);
  dialog.querySelectorAll<HTMLElement>("[data-palette-fixed] [role=option], [data-palette-lists] [role=option]").forEach((option) => {
    const text = plain(option.textContent ?? "");
    option.hidden = !words.every((word) => text.includes(word));
  });
  dialog.querySelectorAll<HTMLElement>("[role=group]").forEach((group) => {
    group.hidden = !group.querySelector("[role=option]:not([hidden])");
  });
  const left = options(dialog);
  if (!left.some((option) => option.getAttribute("aria-selected") === "true")) activate(dialog, left[0]);
  const status = dialog.querySelector("[data-palette-status]");
  if (!status || !isComplete) return;
  const key = left.length === 0 ? "none" : left.length === 1 ? "one" : "many";
  status.textContent = (dialog.dataset[key] ?? "").replace("{count}", String(left.length));
}

function put(dialog: HTMLElement, found: string): void {
  const place = dialog.querySelector("[data-palette-found]");
  if (!place) return;
  const own = document.createElement("div");
  own.setAttribute("role", "none");
  own.dataset["paletteLists"] = "";
  own.innerHTML = lists ?? "";
  const studies = document.createElement("template");
  studies.innerHTML = found;
  const chosen = dialog.querySelector<HTMLElement>("[role=option][aria-selected=true]")?.id;
  place.replaceChildren(studies.content, own);
  if (chosen && isChosenByHand) activate(dialog, dialog.querySelector<HTMLElement>(`#${CSS.escape(chosen)}`) ?? undefined);
}

/** The server takes no more searches for so many seconds. */
class Busy extends Error {
  constructor(readonly seconds: number) {
    super("busy");
  }
}

async function ask(text: string): Promise<string> {
  const dialog = dialogOf();
  asking?.abort();
  asking = new AbortController();
  const answer = await fetch(dialog?.dataset["address"] ?? "", {
    method: "POST",
    headers: { "X-Requested-With": "fetch", "X-CSRFToken": document.body.dataset["csrf"] ?? "" },
    body: new URLSearchParams({ q: text }),
    signal: asking.signal,
  });
  if (answer.status === 401) {
    dialog?.close();
    sessionEnded();
  }
  if (answer.status === 429) throw new Busy(Number(answer.headers.get("Retry-After")) || 10);
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

async function search(): Promise<void> {
  const dialog = dialogOf();
  const text = fieldOf()?.value.trim() ?? "";
  if (!dialog) return;
  try {
    lists ??= await ask("");
    const found = text ? await ask(text) : "";
    put(dialog, found);
    // What was found is what was meant more often than a page that has the letters in its name too.
    if ((found || !text) && !isChosenByHand) activate(dialog, options(dialog)[0]);
    narrow(dialog, true);
  } catch (error) {
    if ((error as Error).name === "AbortError") return;
    const status = dialog.querySelector("[data-palette-status]");
    if (status && error instanceof Busy) {
      status.textContent = (dialog.dataset["busy"] ?? "").replace("{seconds}", String(error.seconds));
      window.clearTimeout(wait);
      wait = window.setTimeout(() => dialog.open && void search(), error.seconds * 1000);
    } else if (status) status.textContent = dialog.dataset["failed"] ?? "";
  }
}

function openPalette(): void {
  const dialog = dialogOf();
  const field = fieldOf();
  if (!dialog || !field || document.querySelector("dialog[open]:not(#palette)")) return;
  if (dialog.open) {
    dialog.close();
    return;
  }
  field.value = "";
  isChosenByHand = false;
  put(dialog, "");
  dialog.showModal();
  field.focus();
  narrow(dialog, false);
  void search();
}

/** Send what a button of the page would have sent, and come back to the same place. */
function post(address: string, name: string, value: string): void {
  const form = document.createElement("form");
  form.method = "post";
  form.action = address;
  const fields = { csrfmiddlewaretoken: document.body.dataset["csrf"] ?? "", next: window.location.pathname + window.location.search };
  for (const [key, text] of Object.entries(name ? { ...fields, [name]: value } : fields)) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = key;
    field.value = text;
    form.append(field);
  }
  document.body.append(form);
  form.requestSubmit();
}

function run(option: HTMLElement, event: KeyboardEvent | MouseEvent): void {
  const { href, page, post: address, name, value, opens } = option.dataset;
  const target = event.shiftKey && page ? page : href;
  if (target && (event.ctrlKey || event.metaKey || event.type === "auxclick")) {
    window.open(target, "_blank", "noopener");
    return;
  }
  dialogOf()?.close();
  if (target) window.location.assign(target);
  else if (address) post(address, name ?? "", value ?? "");
  else if (opens) document.querySelector<HTMLDialogElement>(`#${CSS.escape(opens)}`)?.showModal();
}

function step(dialog: HTMLElement, by: number): void {
  isChosenByHand = true;
  const all = options(dialog);
  const now = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  activate(dialog, all[(now + by + all.length) % Math.max(all.length, 1)]);
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    if (!dialogOf()) return;
    event.preventDefault();
    openPalette();
    return;
  }
  const dialog = dialogOf();
  if (!dialog?.open || event.target !== fieldOf() || event.isComposing) return;
  const chosen = dialog.querySelector<HTMLElement>("[role=option][aria-selected=true]:not([hidden])");
  if (event.key === "ArrowDown") step(dialog, 1);
  else if (event.key === "ArrowUp") step(dialog, -1);
  else if (event.key === "Enter" && chosen) run(chosen, event);
  else if (event.key !== "Enter") return;
  event.preventDefault();
});

document.addEventListener("input", (event) => {
  const dialog = dialogOf();
  if (!dialog || event.target !== fieldOf()) return;
  asking?.abort();
  isChosenByHand = false;
  window.clearTimeout(wait);
  narrow(dialog, false);
  wait = window.setTimeout(() => void search(), WAIT_MS);
});

for (const kind of ["click", "auxclick"] as const) {
  document.addEventListener(kind, (event) => {
    const target = event.target as Element;
    if (kind === "click" && target.closest("[data-palette-open]")) openPalette();
    const option = target.closest<HTMLElement>("#palette [role=option]");
    if (option && event.button !== 2) run(option, event);
  });
}
// The pointer and the keys choose the same option.
document.addEventListener("pointermove", (event) => {
  const option = (event.target as Element).closest?.<HTMLElement>("#palette [role=option]");
  const dialog = dialogOf();
  if (dialog && option && option.getAttribute("aria-selected") !== "true") {
    isChosenByHand = true;
    activate(dialog, option);
  }
});
