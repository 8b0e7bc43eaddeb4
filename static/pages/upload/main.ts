/** The page where a person brings images in: drop, choose, watch, pause, go on after a break, or cancel. */
import { readWords, say } from "../../viewer/words";
import { signedInAgain, tokenRenewed } from "../session";
import { fingerprint, ofDrop, ofInput, type Chosen } from "./entries";
import { element, Panel } from "./panel";
import { Rows } from "./rows";
import * as server from "./server";
import { Transfer, type Halt } from "./transfer";
import { count, size } from "./wording";

readWords("upload-words");

const form = element<HTMLFormElement>("upload");
const drop = element("drop");
const panel = new Panel();
const rows = new Rows(element<HTMLTableSectionElement>("file-rows"), element<HTMLTemplateElement>("file-row"));
const longest = Number(form.dataset["longest"]);

let delivery: string | null = null;
let title = "";
let known = new Map<string, server.Known>();
let transfer: Transfer | null = null;
let isLeaving = false;
let isFinishing = false;
let isStale = false;
/** The import that the dialog asks about: this page's own, or one of the list. */
let toCancel: string | null = null;

// ---- files come in ---------------------------------------------------------------------------------------------------

/** IM2 before IM10. */
const order = new Intl.Collator(undefined, { numeric: true });
const prints = new Set<string>();
let taking: Promise<void> = Promise.resolve();

/** One delivery of files after the other, however fast a person drops them. */
function take(chosen: Promise<Chosen[]>, unreadable: string[] = []): void {
  taking = taking.then(async () => {
    try {
      await accept(await chosen, unreadable);
    } catch (error) {
      trouble(wordsOf(error), "");
    }
  });
}

async function accept(chosen: Chosen[], unreadable: string[]): Promise<void> {
  if (!chosen.length && !unreadable.length) return;
  if (!chosen.length) {
    trouble(count("unreadable", unreadable.length), unreadable.slice(0, 3).join(", "));
    return;
  }
  const sender = transfer ?? (await open());
  for (const each of chosen.sort((one, other) => order.compare(one.path, other.path))) {
    const print = await fingerprint(each);
    if (prints.has(print)) continue;
    prints.add(print);
    const item = sender.add(each, print, known.get(print));
    if (item.state === "waiting" && each.file.size > longest) sender.fail(item, say("too_large", { size: size(longest) }));
  }
  isFinishing = false;
  if (unreadable.length) trouble(count("unreadable", unreadable.length), unreadable.slice(0, 3).join(", "));
  sender.pump();
}

async function open(): Promise<Transfer> {
  const fields = new FormData(form);
  if (delivery === null) {
    title = String(fields.get("title") ?? "").trim();
    delivery = await server.begin(form.dataset["begin"] ?? "", String(fields.get("department") ?? ""), title);
  } else known = await server.known(delivery);
  document.getElementById("unfinished")?.remove();
  for (const field of form.querySelectorAll<HTMLInputElement | HTMLSelectElement>("select, #upload-title")) field.disabled = true;
  const opened = new Transfer(
    form.dataset["tus"] ?? "",
    delivery,
    { unreadable: say("note_unreadable"), refused: (status) => say("note_refused", { n: status }) },
    { changed: () => (isStale = true), halted, emptied: () => void finish(false) },
  );
  transfer = opened;
  panel.show(title);
  void keepAwake();
  return opened;
}

/** A phone that falls asleep stops sending. */
async function keepAwake(): Promise<void> {
  try {
    if (transfer && !isLeaving && document.visibilityState === "visible") await navigator.wakeLock.request("screen");
  } catch {
    // Not offered, or the battery is low: then it goes on after the sleep.
  }
}

// ---- the end ---------------------------------------------------------------------------------------------------------

async function finish(isCertain: boolean): Promise<void> {
  if (!transfer || delivery === null || isFinishing || isLeaving) return;
  if (transfer.totals.failed && !isCertain) {
    trouble(count("failed", transfer.totals.failed), say("failed_next"), true);
    return;
  }
  isFinishing = true;
  try {
    leave(await server.received(delivery, transfer.totals.doneFiles));
  } catch (error) {
    isFinishing = false;
    trouble(wordsOf(error), "", error instanceof server.Refused && error.status === 409);
  }
}

/** Go on without what failed, and without what an earlier visit left half sent. */
async function finishWithout(): Promise<void> {
  if (!transfer || delivery === null) return;
  hideTrouble();
  try {
    for (const file of (await server.known(delivery)).values()) if (!file.whole) await server.forget(form.dataset["tus"] + file.id);
    await finish(true);
  } catch (error) {
    trouble(wordsOf(error), "", true);
  }
}

function leave(address: string): void {
  isLeaving = true;
  panel.say(say("heard_done"));
  window.location.assign(address);
}

// ---- what goes wrong -------------------------------------------------------------------------------------------------

function halted(why: Halt, sentence: string): void {
  if (why === "signed-out") {
    drawPause();
    void signedInAgain().then(goOn);
    return;
  }
  trouble(sentence || say(`halt_${why.replace("-", "_")}`), say("halt_kept"));
  drawPause();
}

function trouble(what: string, next: string, mayGoWithout = false): void {
  element("sending").hidden = false;
  element("trouble-what").textContent = what;
  element("trouble-next").textContent = next;
  element("without").hidden = !mayGoWithout;
  element("again").hidden = transfer === null;
  element("trouble").hidden = false;
}

function hideTrouble(): void {
  element("trouble").hidden = true;
}

function wordsOf(error: unknown): string {
  if (error instanceof server.Refused && error.status === 403 && !error.message) return say("halt_forbidden");
  if (error instanceof server.Refused) return error.message || say("note_refused", { n: error.status });
  return say("halt_unreachable");
}

// ---- what a person presses -------------------------------------------------------------------------------------------

for (const id of ["choose-files", "choose-folder", "take-photo"]) {
  // A share's page takes no photos.
  document.getElementById(id)?.addEventListener("change", (event) => {
    const input = event.currentTarget as HTMLInputElement;
    take(Promise.resolve(ofInput(input)));
    input.value = "";
  });
}
form.addEventListener("submit", (event) => event.preventDefault());

document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  drop.classList.add("drop-over");
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) drop.classList.remove("drop-over");
});
document.addEventListener("drop", (event) => {
  drop.classList.remove("drop-over");
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  const unreadable: string[] = [];
  take(ofDrop(event.dataTransfer, unreadable), unreadable);
});

function drawPause(): void {
  const button = element("pause");
  button.textContent = say(transfer?.isPaused ? "resume" : "pause");
  isStale = true;
}

element("pause").addEventListener("click", () => {
  if (!transfer) return;
  if (transfer.isPaused) {
    hideTrouble();
    transfer.resume();
  } else transfer.pause();
  panel.say(say(transfer.isPaused ? "tag_paused" : "tag_sending"));
  drawPause();
});

function goOn(): void {
  hideTrouble();
  transfer?.again();
  drawPause();
}

element("again").addEventListener("click", () => {
  tokenRenewed().then(
    (renewed) => renewed && goOn(),
    () => trouble(say("halt_unreachable"), say("halt_kept")),
  );
});
element("without").addEventListener("click", () => void finishWithout());

function askToCancel(id: string | null): void {
  toCancel = id;
  if (id) element<HTMLDialogElement>("cancel-dialog").showModal();
}
element("cancel").addEventListener("click", () => askToCancel(delivery));
element("cancel-yes").addEventListener("click", () => {
  if (!toCancel) return;
  transfer?.pause();
  element<HTMLDialogElement>("cancel-dialog").close();
  server.cancelled(toCancel).then(
    () => leave(window.location.pathname),
    (error: unknown) => trouble(wordsOf(error), ""),
  );
});

// ---- imports that were left ------------------------------------------------------------------------------------------

function goOnWith(row: HTMLElement): void {
  delivery = row.dataset["import"] ?? null;
  title = row.dataset["title"] ?? "";
  for (const other of document.querySelectorAll("[data-import]")) other.classList.toggle("chosen", other === row);
  for (const button of document.querySelectorAll("[data-continue]")) button.setAttribute("aria-pressed", String(row.contains(button)));
  for (const line of document.querySelectorAll("#drop-title span")) line.textContent = say("choose_again");
  drop.scrollIntoView({ block: "nearest" });
  element<HTMLInputElement>("choose-folder").focus();
}

for (const row of document.querySelectorAll<HTMLElement>("[data-import]")) {
  row.querySelector("[data-continue]")?.addEventListener("click", () => goOnWith(row));
  row.querySelector("[data-cancel]")?.addEventListener("click", () => askToCancel(row.dataset["import"] ?? null));
  row.querySelector("[data-finish]")?.addEventListener("click", () => {
    server.received(row.dataset["import"] ?? "", 0).then(leave, (error: unknown) => trouble(wordsOf(error), ""));
  });
}
const asked = new URLSearchParams(window.location.search).get("continue");
const left = asked ? document.querySelector<HTMLElement>(`[data-import="${CSS.escape(asked)}"]`) : null;
if (left) goOnWith(left);

// ---- the clock -------------------------------------------------------------------------------------------------------

window.addEventListener("beforeunload", (event) => {
  if (transfer && !isLeaving && transfer.totals.doneFiles < transfer.totals.files) event.preventDefault();
});
document.addEventListener("visibilitychange", () => void keepAwake());

window.setInterval(() => {
  if (!transfer || (!isStale && !transfer.active.size)) return;
  isStale = false;
  panel.draw(transfer);
  rows.draw(transfer);
}, 500);
