/**
 * Proving again who is there without leaving the page: what was typed stays, and what was asked is asked again afterwards.
 *
 * Forms inside an element with `data-then` are sent by script; `proof:done` on that element says that the portal was content.
 */
import { complain } from "./passkeys";
import { htmx } from "./fragments";

interface Again {
  elt: HTMLElement;
  event: string;
}
let again: Again | null = null;
let waiting: ((done: boolean) => void)[] = [];

async function send(form: HTMLFormElement, place: HTMLElement): Promise<void> {
  const fields = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
  form.setAttribute("aria-busy", "true");
  complain(form, "");
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(fields), headers: { Accept: "application/json" } });
    const said = (await answer.json()) as { location?: string; errors?: string[] };
    if (answer.ok) place.dispatchEvent(new CustomEvent("proof:done", { bubbles: true, detail: said }));
    else complain(form, said.errors?.join(" ") ?? "");
  } catch {
    complain(form, (document.body.dataset["passkeyWords"] ?? "").split("|")[2] ?? "");
  } finally {
    form.removeAttribute("aria-busy");
    form.querySelectorAll<HTMLInputElement>("[name=code], [name=password]").forEach((field) => (field.value = ""));
  }
}

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target as HTMLFormElement;
    const place = form.closest<HTMLElement>("[data-then]");
    if (!place || (form.dataset["passkey"] && !form.querySelector<HTMLInputElement>("input[name=credential]")?.value)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    void send(form, place);
  },
  true,
);

/** Take the forms of a page of ours into a dialog of this one. */
export async function proofInto(place: HTMLElement, address: string): Promise<void> {
  const answer = await fetch(address, { headers: { "X-Requested-With": "fetch" }, cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const proof = page.querySelector("#proof");
  if (!answer.ok || !proof) {
    window.location.assign(address);
    return;
  }
  place.replaceChildren(...[...proof.childNodes].map((node) => document.importNode(node, true)));
  place.dataset["then"] = "";
  place.querySelector<HTMLElement>("[autofocus]")?.focus();
}

/** Ask who is there, over the page; resolves to whether that was said. `address` is what `X-Confirm` named. */
export async function confirmed(address: string): Promise<boolean> {
  const dialog = document.querySelector<HTMLDialogElement>("#confirm-again");
  const place = dialog?.querySelector<HTMLElement>("[data-confirm-place]");
  if (!dialog || !place) {
    window.location.assign(address);
    return false;
  }
  await proofInto(place, address);
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => waiting.push(resolve));
}

function settle(done: boolean): void {
  const those = waiting;
  waiting = [];
  those.forEach((resolve) => resolve(done));
}

document.addEventListener("proof:done", (event) => {
  const place = event.target as HTMLElement;
  if (place.dataset["then"] === "held") {
    document.querySelector<HTMLFormElement>("#held")?.submit();
    // What comes may be a file: then this page stays, and leads back.
    document.querySelectorAll<HTMLElement>("[data-sent]").forEach((part) => (part.hidden = false));
    place.hidden = true;
    return;
  }
  const dialog = place.closest<HTMLDialogElement>("#confirm-again");
  if (!dialog) return;
  settle(true);
  dialog.close();
});
document.addEventListener("close", (event) => (event.target as Element).id === "confirm-again" && settle(false), true);

// htmx: the same request once more, as the person made it.
document.addEventListener("htmx:responseError", (event) => {
  const { xhr, requestConfig } = (event as CustomEvent<{ xhr: XMLHttpRequest; requestConfig: { elt: HTMLElement; triggeringEvent?: Event } }>).detail;
  const address = xhr.getResponseHeader("X-Confirm");
  if (!address) return;
  again = { elt: requestConfig.elt, event: requestConfig.triggeringEvent?.type ?? "click" };
  void confirmed(address).then((done) => {
    const asked = again;
    again = null;
    if (done && asked?.elt.isConnected) htmx.trigger(asked.elt, asked.event, {});
  });
});
