/** Which series of an earlier study is laid beside the one that is shown. */
import type { SeriesEntry } from "./manifest";

/** The series of another study that is most like the one shown: same description, else same modality with about as many images. */
export function alike(shown: SeriesEntry | null, series: readonly SeriesEntry[]): SeriesEntry | null {
  const images = series.filter((entry) => entry.is_image);
  const score = (entry: SeriesEntry): number => {
    if (!shown) return 0;
    const same = Number(entry.modality === shown.modality) * 4 + Number(entry.description.toLowerCase() === shown.description.toLowerCase()) * 8 + Number(entry.body_part === shown.body_part);
    return same - Math.abs(Math.log((entry.frame_count || 1) / (shown.frame_count || 1)));
  };
  return images.reduce<SeriesEntry | null>((best, entry) => (!best || score(entry) > score(best) ? entry : best), null);
}
