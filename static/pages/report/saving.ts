/**
 * Saving while it is typed: one request after the other, each with the revision that was seen.
 *
 * Nothing of a report is kept in the browser: what is not saved yet is sent as the page goes away, and a page with text that
 * the portal has not taken asks before it closes.
 */
import { signedInAgain, tokenRenewed } from "../session";
import { areas, page, say } from "./text";

export interface Section {
  code: string;
  title: string;
  text: string;
}
interface Answer {
  revision: number;
  saved: string;
  unfilled: string;
  faults: string[];
  message?: string;
  error?: string;
  html?: string;
  sections?: Section[];
}

const QUIET_MS = 800;
const AGAIN_MS = [2_000, 5_000, 10_000, 20_000];

let revision = Number(page?.dataset["revision"] ?? 0);
let changed = false;
let failures = 0;
let timer = 0;
let chain: Promise<unknown> = Promise.resolve();

export const seen = (): number => revision;
export const isChanged = (): boolean => changed;

export function sections(): Section[] {
  return areas().map((area) => ({
    code: area.dataset["code"] ?? "",
    title: area.closest("[data-part]")?.querySelector("[data-title]")?.textContent?.trim() ?? "",
    text: area.value,
  }));
}

function state(is: string, words: string): void {
  const place = document.querySelector<HTMLElement>("[data-state]");
  if (!place) return;
  place.dataset["is"] = is;
  place.textContent = words;
}

/** One thing after the other: what takes from the images and what saves never overtake each other. */
function queued<T>(act: () => Promise<T>): Promise<T> {
  const next = chain.then(act, act);
  chain = next.catch(() => undefined);
  return next;
}

function request(address: string, method: string, body: unknown, keepalive = false): Promise<Response> {
  return fetch(address, {
    method,
    keepalive,
    body: JSON.stringify(body),
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json",
      "X-CSRFToken": document.body.dataset["csrf"] ?? "",
      "X-Requested-With": "fetch",
    },
  });
}

/** Ask until the portal answers something that is about the request itself. A session that has ended is begun again. */
async function asked(address: string, method: string, body: () => unknown): Promise<Response> {
  for (let tried = 0; ; tried += 1) {
    const answer = await request(address, method, body());
    if (answer.status === 401) await signedInAgain();
    else if (answer.status === 403 && !tried && (await tokenRenewed())) continue;
    else return answer;
  }
}

function told(answer: Answer): void {
  revision = answer.revision;
  document.querySelectorAll<HTMLInputElement>("[data-revision-field]").forEach((field) => (field.value = String(revision)));
  const next = document.querySelector<HTMLElement>("[data-next-field]");
  const count = document.querySelector<HTMLElement>("[data-unfilled]");
  if (next && count) {
    next.hidden = !answer.unfilled;
    count.textContent = answer.unfilled;
  }
  const faults = document.querySelector<HTMLElement>("[data-faults]");
  if (!faults) return;
  faults.hidden = !answer.faults.length;
  faults.replaceChildren(
    ...answer.faults.map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }),
  );
}

function draft(isMine = false): unknown {
  return { sections: sections(), revision, language: page?.dataset["language"], template: page?.dataset["template"], keep_mine: isMine };
}

async function save(isMine = false): Promise<boolean> {
  if (!page || (!changed && revision > 0 && !isMine)) return true;
  const address = page.dataset["draft"] ?? "";
  changed = false;
  state("saving", say("Saving"));
  try {
    const response = await asked(address, "PUT", () => draft(isMine));
    const answer = (await response.json()) as Answer;
    failures = 0;
    if (response.status === 409) return await overtaken(answer);
    if (!response.ok) {
      changed = true;
      state("refused", answer.message ?? say("Refused"));
      return false;
    }
    told(answer);
    if (!changed) state("saved", answer.saved);
    return true;
  } catch {
    changed = true;
    state("offline", say("Offline"));
    schedule(AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)]);
    failures += 1;
    return false;
  }
}

/** Somebody else saved first: show both, and let the writer choose. The text that goes stays with the report. */
function overtaken(answer: Answer): Promise<boolean> {
  const dialog = document.querySelector<HTMLDialogElement>("#report-overtaken");
  const message = dialog?.querySelector<HTMLElement>("[data-overtaken-message]");
  const difference = dialog?.querySelector<HTMLElement>("[data-overtaken-difference]");
  if (!dialog || !message || !difference) return Promise.resolve(false);
  changed = true;
  state("refused", answer.message ?? "");
  message.textContent = answer.message ?? "";
  difference.innerHTML = answer.html ?? ""; // rendered and escaped by the portal
  dialog.showModal();
  return new Promise((resolve) => {
    const choose = (act: () => Promise<boolean>): void => {
      dialog.close();
      void act().then(resolve);
    };
    const on = (name: string, act: () => Promise<boolean>): void => {
      const button = dialog.querySelector<HTMLButtonElement>(`[data-take-${name}]`);
      if (button) button.onclick = () => choose(act);
    };
    on("theirs", async () => {
      revision = answer.revision;
      changed = false;
      window.location.reload();
      return false;
    });
    on("mine", () => {
      revision = answer.revision;
      return save(true);
    });
  });
}

function schedule(after = QUIET_MS): void {
  window.clearTimeout(timer);
  timer = window.setTimeout(() => void queued(() => save()), after);
}

/** Note a change; it is saved once the writer pauses. */
export function touched(): void {
  changed = true;
  if (!failures) state("waiting", say("Waiting"));
  schedule(failures ? AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)] : QUIET_MS);
}

/** Everything that was typed is with the portal, once this says true. */
export function saved(): Promise<boolean> {
  window.clearTimeout(timer);
  return queued(() => save());
}

/** Change what was taken from the images; answers what the portal says, or null when it did not take it. */
export function pull(body: Record<string, unknown>, problem: (words: string) => void): Promise<Answer | null> {
  return queued(async () => {
    problem("");
    if (!(await save())) return null;
    try {
      const response = await asked(page?.dataset["pull"] ?? "", "POST", () => ({ ...body, revision }));
      const answer = (await response.json()) as Answer;
      if (response.status === 409) {
        await overtaken(answer);
        return null;
      }
      if (!response.ok) {
        problem(answer.message ?? say("Refused"));
        return null;
      }
      told(answer);
      state("saved", answer.saved);
      return answer;
    } catch {
      problem(say("Offline"));
      return null;
    }
  });
}

/** From here on the page may go: what is sent holds it all. */
export function leaving(): void {
  changed = false;
}

// The last seconds: sent while the page goes away, by a request that outlives it.
window.addEventListener("pagehide", () => {
  if (changed && page) void request(page.dataset["draft"] ?? "", "PUT", draft(), true).catch(() => undefined);
});
window.addEventListener("beforeunload", (event) => {
  if (changed) event.preventDefault();
});
window.addEventListener("online", () => changed && schedule(0));
document.addEventListener("visibilitychange", () => document.hidden && changed && schedule(0));
