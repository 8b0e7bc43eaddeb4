/** Decoded pixels are the largest thing on the page: what no viewport shows is let go, the longest closed first. */
import { cache } from "@cornerstonejs/core";
import metaDataManager from "@cornerstonejs/dicom-image-loader/wadors/metaDataManager";
import type { OpenSeries } from "./slides";

/** From this share of the cache on, closed series make room; what is open may fill the rest. */
const FULL = 0.9;

export class Memory {
  /** Series whose headers and pixels are here, with how many viewports show them. */
  private readonly series = new Map<OpenSeries, number>();

  constructor(private readonly onForget: (series: OpenSeries) => void) {}

  /** A series that was opened before and is still here. */
  find(study: string, seriesInstanceUid: string): OpenSeries | undefined {
    return [...this.series.keys()].find((one) => one.study === study && one.entry.series_instance_uid === seriesInstanceUid);
  }

  opened(series: OpenSeries): void {
    const shown = this.series.get(series) ?? 0;
    this.series.delete(series);
    this.series.set(series, shown + 1);
  }

  closed(series: OpenSeries): void {
    const shown = this.series.get(series);
    if (shown === undefined) return; // read again meanwhile
    this.series.delete(series); // closed last, forgotten last
    this.series.set(series, Math.max(0, shown - 1));
  }

  /** Whether another image may be loaded ahead; closed series go first. */
  hasRoom(): boolean {
    while (cache.getCacheSize() > FULL * cache.getMaxCacheSize()) {
      const oldest = [...this.series].find(([, shown]) => shown === 0)?.[0];
      if (!oldest) return false;
      this.forget(oldest);
    }
    return true;
  }

  /** The series has changed on the server: whoever opens it reads it again. What it had loaded is of use to that. */
  outdated(series: OpenSeries): void {
    this.series.delete(series);
  }

  /** Let a series go: its pixels, and its headers. */
  private forget(series: OpenSeries): void {
    this.series.delete(series);
    this.onForget(series);
    for (const { imageId } of series.slides) {
      if (!imageId) continue;
      if (cache.getImageLoadObject(imageId)) cache.removeImageLoadObject(imageId, { force: true });
      metaDataManager.remove(imageId);
    }
  }
}
