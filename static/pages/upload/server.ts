/** What the page asks the server about an import; where the session has ended, once the person has signed in again. The files themselves: trips.ts. */
import { signedInAgain, tokenRenewed } from "../session";

export interface Known {
  id: string;
  whole: boolean;
}

/** An answer that is no success; `message` is the server's own sentence where it sent one. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    sentence: string,
  ) {
    super(sentence);
  }
}

/** What every request says: the token against forged ones, and that it is part of a page, so that a session's end is told as that. */
export function marks(): Record<string, string> {
  return { "X-CSRFToken": document.body.dataset["csrf"] ?? "", "X-Requested-With": "fetch" };
}

async function ask(address: string, fields?: Record<string, string>, isRenewed = false): Promise<Response> {
  const answer = await fetch(address, {
    ...(fields ? { method: "POST", body: new URLSearchParams(fields) } : {}),
    headers: { ...marks(), Accept: "application/json" },
    redirect: "error",
  });
  if (answer.ok) return answer;
  if (answer.status === 401) {
    await signedInAgain();
    return ask(address, fields);
  }
  const isText = answer.headers.get("Content-Type")?.startsWith("text/plain") ?? false;
  // Another sign-in meanwhile, in another tab, made the token an old one.
  if (answer.status === 403 && !isText && !isRenewed && (await tokenRenewed())) return ask(address, fields, true);
  throw new Refused(answer.status, isText ? await answer.text() : "");
}

/** Where an import is asked about, below the door of this page. */
export function addressOf(id: string, what: "files" | "received" | "cancelled"): string {
  return `${document.getElementById("upload")?.dataset["base"] ?? "/import/"}${id}/${what}`;
}

/** Begin an import; its id. */
export async function begin(address: string, department: string, title: string): Promise<string> {
  const answer = (await (await ask(address, { department, title })).json()) as { import: string };
  return answer.import;
}

/** What has arrived of an import: file by fingerprint. */
export async function known(id: string): Promise<Map<string, Known>> {
  const answer = (await (await ask(addressOf(id, "files"))).json()) as { files: [string, string, boolean][] };
  return new Map(answer.files.map(([file, print, whole]) => [print || file, { id: file, whole }]));
}

/** That is all; where to go on. */
export async function received(id: string, files: number): Promise<string> {
  const answer = (await (await ask(addressOf(id, "received"), { files: String(files) })).json()) as { next: string };
  return answer.next;
}

/** Forget one file; one that is gone already is forgotten too. */
export async function forget(address: string): Promise<void> {
  const headers = { "Tus-Resumable": "1.0.0", ...marks() };
  const answer = await fetch(address, { method: "DELETE", headers, redirect: "error" });
  if (answer.status === 401) {
    await signedInAgain();
    return forget(address);
  }
  if (!answer.ok && answer.status !== 404) throw new Refused(answer.status, "");
}

/** Forget an import. */
export async function cancelled(id: string): Promise<void> {
  await ask(addressOf(id, "cancelled"), {});
}
