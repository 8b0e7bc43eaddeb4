import { sessionEnded } from "../pages/session";

/**
 * What the server tells the viewer about a study: `GET /viewer/<study_instance_uid>/manifest.json`.
 *
 * Series come in reading order and instances by instance number; the viewer sorts slices itself, by geometry. Texts are
 * already in the reader's language. Addresses are paths of this portal.
 */
export interface Manifest {
  study: StudyEntry;
  series: SeriesEntry[];
  /** Other studies of the patient that the reader may see, the most useful first; only in the manifest of the study opened. */
  priors: PriorEntry[];
}

export interface StudyEntry {
  study_instance_uid: string;
  description: string;
  /** Date and time in the reader's language. */
  date: string;
  /** Below it: `markings.json`, `annotations/<key>`, `key-images/<sop>/<frame>`. */
  root_url: string;
  /** Changes when images come or go. */
  version: string;
}

export interface PriorEntry {
  study_instance_uid: string;
  description: string;
  modalities: string;
  date: string;
  /** "2 years before", "3 days later". */
  distance: string;
  /** Made after the study that was opened. */
  is_later: boolean;
  manifest_url: string;
  /** Asked by POST before the manifest: the study lies elsewhere, and opening it is on record. Empty when it is open already. */
  open_url: string;
  thumbnail_url: string | null;
}

export interface SeriesEntry {
  series_instance_uid: string;
  number: number | null;
  description: string;
  modality: string;
  body_part: string;
  /** Small square picture for the strip; null while it is being made. */
  thumbnail_url: string | null;
  /** First picture, shown until the pixels themselves are there; null while it is being made. */
  preview_url: string | null;
  /** Frames of all instances together (a document counts as one). */
  frame_count: number;
  /** False when the objects have no pixels that a viewport can show (PDF, SR, RTSTRUCT, PR, KO, SEG, ECG…). */
  is_image: boolean;
  /** For such objects: what this is, in words ("Structured report"); empty for images. */
  tile_reason: string;
  instances: InstanceEntry[];
}

export interface InstanceEntry {
  sop_instance_uid: string;
  sop_class_uid: string;
  number_of_frames: number;
  /** Ready-made picture of this instance; null when there is none (yet). */
  preview_url: string | null;
  /** Page that shows what a viewport cannot: a report, a document, a video; empty for images. */
  page_url: string;
}

/** Pauses before a server that is busy, or was not reached, is asked again: 8 s together, then the reader decides. */
const PAUSES_MS = [400, 900, 2_000, 4_500];
const LONGEST_MS = 5_000;
const PASSING = [0, 429, 502, 503, 504];

/** Milliseconds to wait before asking again after a refusal; null when that is of no use, or was tried often enough. */
export function pauseBefore(status: number | null, tries: number, after = 0): number | null {
  const pause = PAUSES_MS[tries];
  return pause === undefined || !PASSING.includes(status ?? -1) ? null : Math.min(LONGEST_MS, Math.max(pause, after * 1000));
}

/** Thrown with the HTTP status of a refused request; 0 when the server was not reached, 401 when the session has ended. */
export class RequestFailed extends Error {
  constructor(
    readonly status: number,
    /** What the server says about it, in the reader's language; empty when it says nothing. */
    readonly reason = "",
    readonly answer: Record<string, unknown> = {},
    /** Seconds after which the server wants to be asked again; 0 when it does not say. */
    readonly after = 0,
  ) {
    super(`HTTP ${status}`);
  }

  /** Whether asking again is of no use. */
  get isFinal(): boolean {
    // A 403 without a word of ours is the token of a session that is gone.
    return [400, 404, 409, 413].includes(this.status) || (this.status === 403 && this.reason !== "");
  }
}

/** Ask with the reader's session; where it has ended, the page asks to sign in again. Raises `RequestFailed`. */
export async function ask(address: string, options: RequestInit = {}): Promise<Response> {
  let response: Response;
  const headers = { ...options.headers, "X-Requested-With": "fetch" };
  try {
    response = await fetch(address, { credentials: "same-origin", redirect: "error", ...options, headers });
  } catch {
    throw new RequestFailed(0);
  }
  if (response.status === 401) sessionEnded();
  if (!response.ok && response.status !== 304) {
    const answer = await (response.json() as Promise<Record<string, unknown>>).catch(() => ({}) as Record<string, unknown>);
    const after = Number(response.headers.get("Retry-After")) || 0;
    throw new RequestFailed(response.status, typeof answer["message"] === "string" ? answer["message"] : "", answer, after);
  }
  return response;
}

/** Requests begun before anybody could use their answers, by address. */
const begun = new Map<string, Promise<unknown>>();

/** Begin to fetch what `fetchJson` will be asked for: its answer is on the way while the scripts still load. */
export function fetchAhead(address: string, accept?: string): void {
  const answer = fetchJson(address, accept);
  answer.catch(() => undefined); // told to whoever asks for it
  begun.set(address, answer);
}

/** Fetch JSON with the reader's session; `accept` as the endpoint wants it. A busy server is asked again. Raises `RequestFailed`. */
export async function fetchJson<T>(address: string, accept = "application/json"): Promise<T> {
  const early = begun.get(address);
  begun.delete(address);
  if (early) return early as Promise<T>;
  for (let tries = 0; ; tries += 1) {
    try {
      return (await (await ask(address, { headers: { Accept: accept } })).json()) as T;
    } catch (error) {
      const pause = error instanceof RequestFailed ? pauseBefore(error.status, tries, error.after) : null;
      if (pause === null) throw error;
      await new Promise((resolve) => window.setTimeout(resolve, pause));
    }
  }
}
