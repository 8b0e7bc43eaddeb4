/** The viewer's page: read what the server wrote, start the engine, open the first series. */
import "../css/viewer.css";
import { actionsOf, bindKeys, type Actions } from "./actions";
import { onPhone, openViewport, startEngine, type Choice } from "./engine";
import { RequestFailed, fetchJson, type Manifest } from "./manifest";
import { Overlay } from "./overlay";
import { part } from "./page";
import { Port } from "./port";
import { Toolbar } from "./toolbar";
import { Viewer } from "./viewer";
import { readWords, say } from "./words";

/** Tell the reader that nothing can be opened at all, and why. */
function cannotStart(error: unknown): void {
  const status = error instanceof RequestFailed ? error.status : null;
  const absent = status === 403 || status === 404 || status === 401;
  const detail = absent ? say("reason_absent") : status === 0 ? say("reason_network") : say("reason_start");
  new Overlay().showTile(say("cannot_start"), detail, null, false);
  console.error(error);
}

async function start(): Promise<void> {
  readWords("viewer-words");
  const page = part("viewer");
  const manifest = fetchJson<Manifest>(page.dataset["manifest"] ?? "");
  const withoutGraphics = startEngine();
  const { viewport, choose: bind } = openViewport(part<HTMLDivElement>("pixels"), () => port.resized(withoutGraphics));

  let viewer: Viewer | null = null;
  let actions: Actions = {};
  const toolbar = new Toolbar({
    act: (name) => actions[name]?.(),
    goTo: (index) => viewer?.goTo(index),
    usePreset: (index) => viewer?.usePreset(index),
    setWindow: (width, center) => viewer?.setWindow(width, center),
    changeRate: () => viewer?.changeRate(),
  });
  const port = new Port(viewport, {
    onChange: (view) => viewer?.onView(view),
    onFailure: (failure) => viewer?.onFailure(failure),
  });
  const choose = (choice: Choice): void => {
    bind(choice);
    for (const name of ["scroll", "window", "pan", "zoom"]) toolbar.pressed(`tool-${name}`, name === choice);
  };

  const study = await manifest;
  part("without-graphics").hidden = !withoutGraphics;
  viewer = new Viewer(page.dataset["dicomWeb"] ?? "/dicom-web", study, port, toolbar);
  actions = actionsOf(viewer, choose, () => window.location.assign(page.dataset["back"] ?? "/"));
  bindKeys(actions);

  const wanted = window.location.hash.slice(1) || page.dataset["series"];
  const index = Math.max(0, study.series.findIndex((entry) => entry.series_instance_uid === wanted));
  const many = (study.series[index]?.frame_count ?? 0) > 1;
  choose(onPhone() && many ? "scroll" : "window");
  if (!study.series.length) {
    new Overlay().showTile(say("no_series"), say("no_series_yet"), null, false);
    return;
  }
  await viewer.openSeries(index);
  page.dataset["ready"] = "true";
}

// Cornerstone leaves a rejected promise behind each refused frame; the port reports the refusal itself.
window.addEventListener("unhandledrejection", (event) => {
  if (event.reason instanceof XMLHttpRequest) event.preventDefault();
});

start().catch(cannotStart);
