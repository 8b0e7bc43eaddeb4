/**
 * A session that ends while a page is open: the page asks to sign in again and stays as it is, with all that was typed.
 *
 * Requests of parts of a page are answered 401 then (`accounts.middleware.SignInAgainMiddleware`). A form is sent only once
 * the session is known to be alive, where it may have ended unnoticed. Somebody else who signs in gets their own first page.
 */
import { proofInto } from "./proving";

const SURE_MS = 60_000;
const SESSION = "/account/session/";

const dialogOf = (): HTMLDialogElement | null => document.querySelector<HTMLDialogElement>("#sign-in-again");
let heard = performance.now();
let held: { form: HTMLFormElement; by: HTMLElement | null } | null = null;
const sure = new WeakSet<HTMLFormElement>();

/** Show the dialog; the page behind it is hidden from who passes by. */
export function sessionEnded(): void {
  const dialog = dialogOf();
  if (!dialog) window.location.reload();
  else if (!dialog.open) {
    document.querySelectorAll<HTMLElement>(":popover-open").forEach((menu) => menu.hidePopover());
    dialog.showModal();
  }
}

/** Ask to sign in again; resolves once the same person has. */
export function signedInAgain(): Promise<void> {
  sessionEnded();
  return new Promise((resolve) => document.addEventListener("session:renewed", () => resolve(), { once: true }));
}

/** Whether the session lives; true when that cannot be found out, for the server decides again. */
async function isAlive(): Promise<boolean> {
  try {
    const answer = await fetch(SESSION, { headers: { "X-Requested-With": "fetch" }, cache: "no-store" });
    if (answer.ok) heard = performance.now();
    return answer.status !== 401;
  } catch {
    return true;
  }
}

function parsed(text: string): Document {
  return new DOMParser().parseFromString(text, "text/html");
}

/** Give every form of this page, and every later request, the token of the new session. */
function renew(page: Document): void {
  const token = page.body.dataset["csrf"] ?? "";
  document.body.dataset["csrf"] = token;
  document.querySelectorAll<HTMLInputElement>("input[name=csrfmiddlewaretoken]").forEach((field) => (field.value = token));
}

function complain(dialog: HTMLElement, text: string): void {
  const place = dialog.querySelector<HTMLElement>("[data-sign-in-error]");
  const words = place?.querySelector("p");
  if (!place || !words) return;
  words.textContent = text;
  place.hidden = !text;
}

const SECOND = "/account/second-factor/";
/** What a sign-in came to: done, one more step, or what went wrong in words. */
type Outcome = { wrong?: string; second?: boolean };

/** Sign in by the portal's own form. */
async function signIn(form: HTMLFormElement): Promise<Outcome> {
  const page = parsed(await (await fetch(form.action, { cache: "no-store" })).text());
  const token = page.querySelector<HTMLInputElement>("input[name=csrfmiddlewaretoken]")?.value;
  // Without a form somebody has signed in meanwhile, in another tab.
  if (!token) return {};
  const given = new FormData(form);
  const body = new URLSearchParams({
    login: String(given.get("again-login") ?? ""),
    password: String(given.get("again-password") ?? ""),
    csrfmiddlewaretoken: token,
  });
  const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
  const said = (await answer.json()) as { form?: { errors: string[] }; location?: string };
  if (!answer.ok) return { wrong: said.form?.errors.join(" ") || (form.dataset["refused"] ?? "") };
  return { second: said.location === SECOND };
}

/** Read the token anew: another sign-in, in another tab, made this page's an old one. False when there is no going on here. */
export async function tokenRenewed(): Promise<boolean> {
  const answer = await fetch(window.location.href, { headers: { "X-Requested-With": "fetch" }, cache: "no-store" });
  if (answer.status === 401) {
    sessionEnded();
    return false;
  }
  const page = parsed(await answer.text());
  const account = page.body.dataset["account"];
  // Another person: nothing of the first one's stays on the screen. And a page that is gone is shown as that.
  if (account !== document.body.dataset["account"]) {
    window.location.replace(account ? "/" : window.location.href);
    return false;
  }
  renew(page);
  heard = performance.now();
  return true;
}

/** The session is back though nobody signed in on this page: they did in another window. */
export function sessionBack(): void {
  const dialog = dialogOf();
  if (dialog?.open) void goOn(dialog);
}

async function goOn(dialog: HTMLDialogElement): Promise<void> {
  if (!(await tokenRenewed())) return;
  dialog.close();
  document.dispatchEvent(new CustomEvent("session:renewed"));
  const again = held;
  held = null;
  if (again) send(again.form, again.by);
}

function send(form: HTMLFormElement, by: HTMLElement | null): void {
  sure.add(form);
  form.requestSubmit(by?.isConnected ? by : null);
}

/** Ask for the second factor in the same dialog. */
async function secondStep(form: HTMLFormElement, dialog: HTMLDialogElement): Promise<void> {
  const place = dialog.querySelector<HTMLElement>("[data-second-step]");
  if (!place) return;
  form.hidden = true;
  place.hidden = false;
  await proofInto(place, SECOND);
}

document.addEventListener("proof:done", (event) => {
  const place = event.target as HTMLElement;
  const dialog = place.closest<HTMLDialogElement>("#sign-in-again");
  if (!dialog) return;
  place.replaceChildren();
  place.hidden = true;
  dialog.querySelector<HTMLFormElement>("form[hidden]")?.removeAttribute("hidden");
  void goOn(dialog);
});

async function answerDialog(form: HTMLFormElement, dialog: HTMLDialogElement): Promise<void> {
  form.setAttribute("aria-busy", "true");
  complain(dialog, "");
  try {
    const { wrong, second } = await signIn(form);
    const password = form.querySelector<HTMLInputElement>("[type=password]");
    if (password) password.value = "";
    if (wrong) {
      complain(dialog, wrong);
      password?.focus();
    } else if (second) await secondStep(form, dialog);
    else await goOn(dialog);
  } catch {
    complain(dialog, form.dataset["away"] ?? "");
  } finally {
    form.removeAttribute("aria-busy");
  }
}

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target as HTMLFormElement;
    const dialog = form.closest<HTMLDialogElement>("#sign-in-again");
    if (form.closest("[data-then], [data-passkey]")) return;
    if (dialog) {
      event.preventDefault();
      event.stopPropagation();
      void answerDialog(form, dialog);
      return;
    }
    const isOurs = form.method === "post" && dialogOf() && !form.hasAttribute("hx-post");
    if (!isOurs || sure.delete(form) || performance.now() - heard < SURE_MS) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const by = (event as SubmitEvent).submitter;
    void isAlive().then((alive) => {
      if (alive) send(form, by);
      else {
        held = { form, by };
        sessionEnded();
      }
    });
  },
  true,
);

// Esc would leave a page that answers nothing: the dialog goes only by signing in or by its link.
document.addEventListener(
  "cancel",
  (event) => {
    if (event.target === dialogOf()) event.preventDefault();
  },
  true,
);

document.addEventListener("session:gone", () => sessionEnded());
document.addEventListener("htmx:afterOnLoad", () => (heard = performance.now()));
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail;
  if (xhr.status === 401) sessionEnded();
});
/** A page out of the browser's cache may be of a session that is over, or was not asked for hours. */
window.addEventListener("pageshow", (event) => {
  if (event.persisted && dialogOf()) void isAlive().then((alive) => !alive && sessionEnded());
});
