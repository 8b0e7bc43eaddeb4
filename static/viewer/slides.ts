/** A series as the reader turns it over: one slide per frame or document, in reading order. */
import metaDataManager from "@cornerstonejs/dicom-image-loader/wadors/metaDataManager";
import { TAG, numbers, plane, statedSpacing, text, type Header, type Plane } from "./header";
import { RequestFailed, fetchJson, type InstanceEntry, type SeriesEntry } from "./manifest";
import { inReadingOrder } from "./order";
import { drawable, sane } from "./sane";
import { scaleOf, type Scale } from "./scale";

export interface Slide {
  study: string;
  series: string;
  sop: string;
  /** Address of the pixels for Cornerstone; empty for what a viewport cannot show. */
  imageId: string;
  header: Header;
  plane: Plane | null;
  /** What a pixel measures, and where; null when nobody knows. */
  scale: Scale | null;
  /** Millimetres between rows and columns as drawn: 1 where nobody knows. */
  spacing: [row: number, column: number];
  instanceNumber: number;
  frame: number;
  previewUrl: string | null;
  /** What this is, when it is no image, and the page that shows it. */
  tile: string;
  pageUrl: string;
}

export interface OpenSeries {
  study: string;
  entry: SeriesEntry;
  slides: Slide[];
}

/** More frames than any modality makes: a header that says more is wrong. */
const MOST_FRAMES = 50_000;

/** Thrown when the server answered with objects of another study or series: they are not shown. */
export class WrongSeries extends Error {}

/** A slide for each document of a series without pixels. */
function documents(study: string, entry: SeriesEntry): Slide[] {
  return entry.instances.map((instance, index) => ({
    study,
    series: entry.series_instance_uid,
    sop: instance.sop_instance_uid,
    imageId: "",
    header: {},
    plane: null,
    scale: null,
    spacing: [1, 1],
    instanceNumber: index + 1,
    frame: 1,
    previewUrl: instance.preview_url,
    tile: entry.tile_reason,
    pageUrl: instance.page_url,
  }));
}

/** Slides of one instance; its header is handed to Cornerstone, which asks for it by image id. */
function frames(received: Header, address: string, known: InstanceEntry | undefined): Slide[] {
  const series = text(received, TAG.seriesInstanceUid);
  const header = drawable(received, series);
  const names = { study: text(received, TAG.studyInstanceUid), series, sop: text(received, TAG.sopInstanceUid) };
  const stated = known?.number_of_frames ?? numbers(header, TAG.numberOfFrames)[0] ?? 1;
  const count = Math.min(MOST_FRAMES, Math.max(1, Math.trunc(stated)));
  const instanceNumber = numbers(header, TAG.instanceNumber)[0] ?? Number.MAX_SAFE_INTEGER;
  return Array.from({ length: count }, (_none, index) => {
    const frame = index + 1;
    const imageId = `wadors:${address}/frames/${frame}`;
    // Cornerstone keeps the header under frame 1 and derives the others' from it.
    if (frame === 1 || count === 1) metaDataManager.add(imageId, header as never);
    return {
      ...names,
      imageId,
      header,
      plane: plane(header, frame),
      scale: scaleOf(received, frame),
      spacing: statedSpacing(header, frame) ?? [1, 1],
      instanceNumber,
      frame,
      previewUrl: known?.preview_url ?? null,
      tile: "",
      pageUrl: "",
    };
  });
}

/** Fetch a series' headers and lay out its slides. Raises `RequestFailed` and `WrongSeries`. */
export async function openSeries(root: string, study: string, entry: SeriesEntry): Promise<OpenSeries> {
  if (!entry.is_image) return { study, entry, slides: documents(study, entry) };
  const series = `${root}/studies/${study}/series/${entry.series_instance_uid}`;
  const headers = await fetchJson<Header[]>(`${series}/metadata`, "application/dicom+json");
  const known = new Map(entry.instances.map((instance) => [instance.sop_instance_uid, instance]));
  const slides = headers.flatMap((received) => {
    const header = sane(received);
    if (text(header, TAG.studyInstanceUid) !== study || text(header, TAG.seriesInstanceUid) !== entry.series_instance_uid) {
      throw new WrongSeries();
    }
    if (!numbers(header, TAG.rows)[0] || !numbers(header, TAG.columns)[0]) return [];
    const uid = text(header, TAG.sopInstanceUid);
    // The image id is absolute: Cornerstone's worker has no page to resolve it against.
    const address = new URL(`${series}/instances/${uid}`, window.location.href).href;
    return frames(header, address, known.get(uid));
  });
  if (!slides.length) throw new RequestFailed(404);
  return { study, entry, slides: inReadingOrder(slides) };
}
