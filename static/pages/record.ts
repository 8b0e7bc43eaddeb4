/**
 * The health record goes on to another patient: what is open of the one before is put away (LA-6).
 *
 * In a frame the record says so itself, from a listed origin: `postMessage({ type: "negatoscope:patient", patient })`, the patient
 * as HL7 writes a number (`9RG1^^^DEMO&1.2.250.1.9&ISO`), or null for nobody. A window of its own cannot be reached by the
 * record; there the next window that the record opens says whom it shows, and windows of the record about others go.
 */

/** A number, its issuer, the issuer's OID. */
type Known = [value: string, issuer: string, oid: string];

const TYPE = "negatoscope:patient";
const ELSEWHERE = "/IHEInvokeImageDisplay/elsewhere";
const MARK = "opened-by-record";

const channel = new BroadcastChannel("negatoscope:record");

/** The numbers of the patient on this page; null on a page about nobody. */
function shown(): Known[] | null {
  const text = document.querySelector<HTMLElement>("[data-patient-numbers]")?.dataset["patientNumbers"];
  return text ? (JSON.parse(text) as Known[]) : null;
}

/** A number as HL7 writes it (CX). */
function read(text: string): Known {
  const [value = "", , , authority = ""] = text.split("^");
  const [issuer = "", oid = ""] = authority.split("&");
  return [value, issuer, oid];
}

/** Whether two numbers are one: by the issuer's OID where both tell it, otherwise by the name where both tell that. */
function isSame(one: Known, other: Known): boolean {
  if (!one[0] || one[0] !== other[0]) return false;
  if (one[2] && other[2]) return one[2] === other[2];
  return !one[1] || !other[1] || one[1] === other[1];
}

const agree = (some: Known[], others: Known[]): boolean => some.some((one) => others.some((other) => isSame(one, other)));

/** Nothing of the page stays: neither on the screen, nor behind the way back. */
function putAway(): void {
  document.documentElement.hidden = true;
  window.location.replace(ELSEWHERE);
}

const isOfRecord = (): boolean => window.sessionStorage.getItem(MARK) === "yes";

function hear(event: MessageEvent<unknown>): void {
  const origins = document.querySelector<HTMLMetaElement>('meta[name="record-origins"]')?.content.split(" ") ?? [];
  if (window.parent === window || event.source !== window.parent || !origins.includes(event.origin)) return;
  const told = event.data as { type?: unknown; patient?: unknown } | null;
  if (told?.type !== TYPE || !("patient" in told)) return;
  const numbers = shown();
  const stays = !numbers || (typeof told.patient === "string" && agree(numbers, [read(told.patient)]));
  window.parent.postMessage({ type: TYPE, shown: stays && numbers !== null }, event.origin);
  if (!stays) putAway();
}

/** A window that the record has just opened takes its mark out of the address, and says whom it shows. */
function arrive(): void {
  const address = new URL(window.location.href);
  if (!address.searchParams.has("record")) return;
  window.sessionStorage.setItem(MARK, "yes");
  address.searchParams.delete("record");
  window.history.replaceState(window.history.state, "", address);
  const numbers = shown();
  if (numbers) channel.postMessage(numbers);
}

channel.addEventListener("message", (event: MessageEvent<Known[]>) => {
  const numbers = shown();
  if (isOfRecord() && numbers && !agree(numbers, event.data)) putAway();
});
window.addEventListener("message", hear);
arrive();
