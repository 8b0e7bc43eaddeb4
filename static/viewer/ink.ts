/** A mark as the server keeps it, and the same as Cornerstone draws it. */
import type { Types } from "@cornerstonejs/tools";
import { TAG, text } from "./header";
import { toImage, toWorld, type Point, type World } from "./geometry";
import { normal } from "./order";
import type { Slide } from "./slides";
import { MARKS, markOf, type ToolName } from "./tools";

export interface Shape {
  /** Patient coordinates (mm) where the image has a plane, else column and row. */
  space: "patient" | "image";
  points: number[][];
  text: string;
  /** Where the reader dragged the lines to; null where they follow the mark. */
  text_at: number[] | null;
  frame_of_reference: string;
}

export interface Mark {
  key: string;
  series_instance_uid: string;
  sop_instance_uid: string;
  frame: number;
  tool: ToolName;
  shape: Shape;
  author: string;
  own: boolean;
  version: string | null;
}

/** As much of Cornerstone's annotation as we read and write. */
export type Drawing = Types.Annotation & {
  annotationUID: string;
  metadata: NonNullable<Types.Annotation["metadata"]>;
  data: {
    label: string;
    handles: { points: World[]; arrowFirst?: boolean; textBox?: { hasMoved: boolean; worldPosition: World } };
  };
};

const HANDLES: Record<ToolName, number> = { length: 2, angle: 3, cobb: 4, ellipse: 4, rectangle: 4, probe: 1, arrow: 2, text: 1 };
/** Handles that lie nearer than this, in pixels of the image, are a slip of the hand. */
const SLIP = 0.5;

/** The shape of a drawing on its slide; null while it is not complete, or nothing was drawn. */
export function shapeOf(drawing: Drawing, slide: Slide): Shape | null {
  const tool = markOf(drawing.metadata.toolName);
  if (!tool) return null;
  const points = drawing.data.handles.points.slice(0, HANDLES[tool]);
  if (points.length < HANDLES[tool]) return null;
  const inImage = points.map((point) => toImage(slide, point));
  const [first = [0, 0]] = inImage;
  const slipped = inImage.length > 1 && inImage.every((point) => Math.hypot(point[0] - first[0], point[1] - first[1]) < SLIP);
  if (slipped || (tool === "text" && !drawing.data.label)) return null;
  const box = drawing.data.handles.textBox;
  const put = (world: World): number[] => (slide.plane ? world : toImage(slide, world)).map((value) => Math.round(value * 1e4) / 1e4);
  return {
    space: slide.plane ? "patient" : "image",
    points: points.map(put),
    text: tool === "arrow" || tool === "text" ? drawing.data.label : "",
    text_at: box?.hasMoved ? put(box.worldPosition) : null,
    frame_of_reference: slide.plane ? text(slide.header, TAG.frameOfReference) : "",
  };
}

/** What Cornerstone draws for a mark; null when the image lies elsewhere than when it was marked. */
export function drawingOf(mark: Mark, slide: Slide): Drawing | null {
  const { shape } = mark;
  if (shape.space !== (slide.plane ? "patient" : "image")) return null;
  const put = (point: number[]): World => (slide.plane ? (point as World) : toWorld(slide, point as Point));
  const [nx, ny, nz] = slide.plane ? normal(slide.plane.orientation) : [0, 0, 1];
  const down = slide.plane ? slide.plane.orientation.slice(3) : [0, 1, 0];
  const zero: World = [0, 0, 0];
  const points = shape.points.map(put);
  const named = mark.own || !shape.text ? shape.text : `${shape.text} (${mark.author})`;
  return {
    annotationUID: mark.key,
    highlighted: false,
    invalidated: true,
    isLocked: !mark.own,
    isVisible: true,
    metadata: {
      toolName: MARKS[mark.tool].toolName,
      FrameOfReferenceUID: text(slide.header, TAG.frameOfReference),
      referencedImageId: slide.imageId,
      viewPlaneNormal: [-nx, -ny, -nz],
      viewUp: down.map((value) => -value) as World,
    },
    data: {
      label: named,
      cachedStats: {},
      handles: {
        points,
        activeHandleIndex: null,
        arrowFirst: true,
        textBox: {
          hasMoved: shape.text_at !== null,
          worldPosition: shape.text_at ? put(shape.text_at) : zero,
          worldBoundingBox: { topLeft: zero, topRight: zero, bottomLeft: zero, bottomRight: zero },
        },
      },
    },
  } as unknown as Drawing;
}

export const sameShape = (a: Shape, b: Shape): boolean => JSON.stringify([a.points, a.text, a.text_at]) === JSON.stringify([b.points, b.text, b.text_at]);
