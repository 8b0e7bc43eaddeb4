/** Cornerstone3D, set up once per page: decoders in workers, viewports that come and go, CPU drawing where there is no WebGL. */
import * as core from "@cornerstonejs/core";
import { init as initLoader } from "@cornerstonejs/dicom-image-loader";

/** Decoded pixels kept in memory, in bytes. A phone's tab is killed long before a workstation's. */
const CACHE_BYTES = { phone: 256e6, desk: 1.5e9 };
const PHONE = "(pointer: coarse) and (max-width: 60rem)";

export const onPhone = (): boolean => window.matchMedia(PHONE).matches;

/** Start the libraries. Returns true when pictures are drawn without a graphics card. */
export function startEngine(): boolean {
  core.init({ rendering: { webGlContextCount: 1 }, debug: {} });
  const cores = navigator.hardwareConcurrency || 2;
  // At least two, so that one image that hangs its decoder does not hold up the rest.
  initLoader({ maxWebWorkers: Math.min(4, Math.max(2, Math.floor(cores / 2))) });
  core.cache.setMaxCacheSize(onPhone() ? CACHE_BYTES.phone : CACHE_BYTES.desk);
  return core.getShouldUseCPURendering();
}

/** True while ports get another size: what the camera does then is not the reader's doing. */
export const resizing = { now: false };

export interface OpenViewport {
  viewport: core.StackViewport;
  close: () => void;
}

/** The viewports of the page, by the letter of their port. */
export class Viewports {
  private readonly engine = new core.RenderingEngine("viewer");

  /** Make a viewport in `element`; `onResize` is called when it has got another size. */
  open(id: string, element: HTMLDivElement, onResize: () => void): OpenViewport {
    this.engine.enableElement({ viewportId: id, type: core.Enums.ViewportType.STACK, element });
    const viewport = this.engine.getViewport(id) as core.StackViewport;
    const sizes = new ResizeObserver(() => {
      // Without a picture there is no camera to keep.
      if (!viewport.getCornerstoneImage() || !element.clientWidth || !element.clientHeight) return;
      resizing.now = true;
      this.engine.resize(true, true);
      resizing.now = false;
      onResize();
    });
    sizes.observe(element);
    const close = (): void => {
      sizes.disconnect();
      this.engine.disableElement(id);
    };
    return { viewport, close };
  }
}
