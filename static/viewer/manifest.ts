/**
 * What the server tells the viewer about a study: `GET /viewer/<study_instance_uid>/manifest.json`.
 *
 * Series come in reading order and instances by instance number; the viewer sorts slices itself, by geometry. Texts are
 * already in the reader's language. Addresses are paths of this portal.
 */
export interface Manifest {
  study: { study_instance_uid: string; description: string };
  series: SeriesEntry[];
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
}

/** Thrown with the HTTP status of a refused request; 0 when the server was not reached. */
export class RequestFailed extends Error {
  constructor(readonly status: number) {
    super(`HTTP ${status}`);
  }
}

/** Fetch JSON with the reader's session; `accept` as the endpoint wants it. */
export async function fetchJson<T>(address: string, accept = "application/json"): Promise<T> {
  let response: Response;
  try {
    response = await fetch(address, { headers: { Accept: accept }, credentials: "same-origin" });
  } catch {
    throw new RequestFailed(0);
  }
  // A session that ended answers with the sign-in page, not with JSON.
  if (response.redirected) throw new RequestFailed(401);
  if (!response.ok) throw new RequestFailed(response.status);
  return (await response.json()) as T;
}
