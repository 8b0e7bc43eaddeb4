/** The viewer's page, second part: start the engine, bind hands and keys, open the first series. */
import { leave } from "../pages/places";
import { actionsOf, bindKeys, type Actions } from "./actions";
import { onPhone, startEngine } from "./engine";
import type { Manifest, SeriesEntry } from "./manifest";
import { Overlay } from "./overlay";
import { keepOneRow } from "./overflow";
import { part } from "./page";
import { Toolbar } from "./toolbar";
import { Viewer } from "./viewer";
import { say } from "./words";

/** The image that the study's page names in the address, if it is of this series. */
function asked(series: SeriesEntry): { sop: string; frame: number } | undefined {
  const named = new URLSearchParams(window.location.search);
  const sop = named.get("instance");
  return sop && series.series_instance_uid === named.get("series") ? { sop, frame: Number(named.get("frame") ?? 1) || 1 } : undefined;
}

/** The picture that the page was painted with stays until its pixels come: of those ready by now it may not be the middle one. */
function keepPainted(series: SeriesEntry): void {
  const painted = part("first-picture").getAttribute("src");
  const own = series.instances.some((instance) => instance.preview_url === painted);
  const same = series.series_instance_uid === part("viewer").dataset["series"];
  if (painted && (own || (same && !series.preview_url))) series.preview_url = painted;
}

/** Start the viewer with the study that is on its way. Raises what the request for it raises. */
export async function start(manifest: Promise<Manifest>): Promise<void> {
  const page = part("viewer");
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
  keepOneRow();

  const wanted = window.location.hash.slice(1) || page.dataset["series"];
  const first = study.series.find((entry) => entry.series_instance_uid === wanted) ?? study.series[0];
  viewer.choose(onPhone() && (first?.frame_count ?? 0) > 1 ? "scroll" : "window");
  if (first) {
    keepPainted(first);
    await viewer.open(study.study.study_instance_uid, first.series_instance_uid, asked(first));
  } else {
    const overlay = new Overlay(part("port"), (message) => (part("status").textContent = message));
    overlay.showTile(say("no_series"), say("no_series_yet"), null, false);
  }
  page.dataset["ready"] = "true";
}
