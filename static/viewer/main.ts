/**
 * The viewer's page, first part: small, so that it runs at once. It asks for what the first picture needs, lets the ready-made one
 * be painted, and only then starts the viewer itself, whose libraries keep the page's one thread busy for a while.
 */
import "../css/viewer.css";
import { RequestFailed, fetchAhead, fetchJson, type Manifest } from "./manifest";
import { Overlay } from "./overlay";
import { part } from "./page";
import { readWords, say } from "./words";

/** A ready-made picture that is not there after this is not waited for. */
const PATIENCE_MS = 1_000;

/** Tell the reader that nothing can be opened at all, and why. */
function cannotStart(error: unknown): void {
  const status = error instanceof RequestFailed ? error.status : null;
  const absent = status === 403 || status === 404;
  const reason = status === 401 ? say("reason_signed_out") : status === 0 ? say("reason_network") : absent ? say("reason_absent") : say("reason_start");
  const overlay = new Overlay(part("port"), (message) => (part("status").textContent = message));
  overlay.showTile(say("cannot_start"), reason, null, true);
  part("retry").addEventListener("click", () => window.location.reload());
  document.addEventListener("session:renewed", () => window.location.reload());
  console.error(error);
}

/** Resolve when the ready-made picture is on the screen, or cannot be. */
async function painted(): Promise<void> {
  const picture = part<HTMLImageElement>("first-picture");
  if (picture.hidden || document.hidden) return;
  const drawn = picture.decode().then(
    () => new Promise<void>((resolve) => requestAnimationFrame(() => window.setTimeout(resolve))),
    () => undefined,
  );
  await Promise.race([drawn, new Promise((resolve) => window.setTimeout(resolve, PATIENCE_MS))]);
}

async function start(): Promise<void> {
  readWords("viewer-words");
  const { manifest = "", headers } = part("viewer").dataset;
  const study = fetchJson<Manifest>(manifest);
  study.catch(() => undefined); // told below
  if (headers && !window.location.hash) fetchAhead(headers, "application/dicom+json");
  await painted();
  const app = await import("./app");
  await app.start(study);
}

// Cornerstone leaves a rejected promise behind each refused frame; the port reports the refusal itself.
window.addEventListener("unhandledrejection", (event) => {
  if (event.reason instanceof XMLHttpRequest) event.preventDefault();
});

start().catch(cannotStart);
