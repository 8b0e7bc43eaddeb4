/** The viewer's page: read what the server wrote, start the engine, open the first series. */
import { leave } from "../pages/places";
import "../css/viewer.css";
import { actionsOf, bindKeys, type Actions } from "./actions";
import { onPhone, startEngine } from "./engine";
import { RequestFailed, fetchJson, type Manifest } from "./manifest";
import { Overlay } from "./overlay";
import { part } from "./page";
import { Toolbar } from "./toolbar";
import { Viewer } from "./viewer";
import { readWords, say } from "./words";

function tile(title: string, detail: string): void {
  new Overlay(part("port"), (message) => (part("status").textContent = message)).showTile(title, detail, null, false);
}

/** Tell the reader that nothing can be opened at all, and why. */
function cannotStart(error: unknown): void {
  const status = error instanceof RequestFailed ? error.status : null;
  const absent = status === 403 || status === 404;
  const reason = status === 401 ? say("reason_signed_out") : status === 0 ? say("reason_network") : absent ? say("reason_absent") : say("reason_start");
  tile(say("cannot_start"), reason);
  console.error(error);
}

async function start(): Promise<void> {
  readWords("viewer-words");
  const page = part("viewer");
  const manifest = fetchJson<Manifest>(page.dataset["manifest"] ?? "");
  const withoutGraphics = startEngine();
  let actions: Actions = {};
  let viewer: Viewer | null = null;
  const toolbar = new Toolbar({
    act: (name) => actions[name]?.(),
    usePreset: (index) => viewer?.usePreset(index),
    setWindow: (width, center) => viewer?.setWindow(width, center),
    changeRate: () => viewer?.changeRate(),
    chooseLayout: (layout) => void viewer?.setLayout(layout),
  });

  const study = await manifest;
  part("without-graphics").hidden = !withoutGraphics;
  viewer = new Viewer(page.dataset["dicomWeb"] ?? "/dicom-web", study, toolbar, withoutGraphics);
  actions = actionsOf(viewer, () => leave(page.dataset["back"] ?? "/"));
  bindKeys(actions);

  const wanted = window.location.hash.slice(1) || page.dataset["series"];
  const first = study.series.find((entry) => entry.series_instance_uid === wanted) ?? study.series[0];
  viewer.choose(onPhone() && (first?.frame_count ?? 0) > 1 ? "scroll" : "window");
  if (!first) {
    tile(say("no_series"), say("no_series_yet"));
    return;
  }
  // The study's page may name the image that was chosen there.
  const asked = new URLSearchParams(window.location.search);
  const sop = asked.get("instance");
  const at = sop && first.series_instance_uid === asked.get("series") ? { sop, frame: Number(asked.get("frame") ?? 1) || 1 } : undefined;
  await viewer.open(study.study.study_instance_uid, first.series_instance_uid, at);
  page.dataset["ready"] = "true";
}

// Cornerstone leaves a rejected promise behind each refused frame; the port reports the refusal itself.
window.addEventListener("unhandledrejection", (event) => {
  if (event.reason instanceof XMLHttpRequest) event.preventDefault();
});

start().catch(cannotStart);
