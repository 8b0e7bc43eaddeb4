/** What is written beside a mark: lengths in the unit that is true for the picture, angles, and statistics of its pixels. */
import { cache } from "@cornerstonejs/core";
import { angleBetween, area, distance, ellipse, rectangle, statistics, toImage, type Point, type Region, type Step } from "./geometry";
import { TAG, numbers, text } from "./header";
import { scaleAt, type Scale } from "./scale";
import type { Slide } from "./slides";
import type { ToolName } from "./tools";
import { number, say } from "./words";

/** Unit of the values: HU where the rescale gives them, what the header says, else none (PS3.3 C.11.1.1.2, C.8.9.1). */
function valueUnit(slide: Slide): string {
  const stated = text(slide.header, TAG.rescaleType) || text(slide.header, TAG.units);
  if (stated && stated !== "US") return stated === "CNTS" ? "" : stated;
  return text(slide.header, TAG.modality) === "CT" && numbers(slide.header, TAG.rescaleSlope).length ? "HU" : "";
}

/** Where the millimetres of a picture do not hold in the patient, the line says where they do. */
function lengthUnit(scale: Scale | null): string {
  return scale ? say(`unit_${scale.where}`) : say("unit_pixels");
}

const digitsOf = (value: number): number => (Math.abs(value) >= 100 ? 0 : 1);

function length(slide: Slide, points: [Point, Point]): string {
  const scale = scaleAt(slide.header, slide.scale, points);
  return `${number(distance(...points, scale ?? { column: 1, row: 1 }), 1)} ${lengthUnit(scale)}`;
}

/** Angles only ask for the shape of a pixel, not for its size. */
function stepOf(slide: Slide, points: Point[]): Step {
  return scaleAt(slide.header, slide.scale, points) ?? { column: slide.spacing[1], row: slide.spacing[0] };
}

function areaLine(slide: Slide, region: Region, points: Point[]): string {
  const scale = scaleAt(slide.header, slide.scale, points);
  const size = area(region, scale ?? { column: 1, row: 1 });
  const inCentimetres = scale !== null && size >= 1000;
  const unit = scale ? say(inCentimetres ? `area_cm_${scale.where}` : `area_${scale.where}`) : say("area_pixels");
  return say("area_of", { n: `${number(inCentimetres ? size / 100 : size, 1)} ${unit}` });
}

/** Reads the value of a pixel, in units of the modality; null when the pixels are not there, or are colours. */
export function values(slide: Slide): { columns: number; rows: number; at: (index: number) => number } | null {
  const image = cache.getImage(slide.imageId);
  if (!image || image.color) return null;
  const pixels = image.getPixelData();
  const [slope, intercept] = image.preScale?.scaled ? [1, 0] : [image.slope || 1, image.intercept || 0];
  return { columns: image.columns, rows: image.rows, at: (index) => (pixels[index] ?? 0) * slope + intercept };
}

function statisticsLines(slide: Slide, region: Region): string[] {
  const pixels = values(slide);
  const found = pixels && statistics(region, pixels.columns, pixels.rows, pixels.at);
  if (!found) return [];
  const unit = valueUnit(slide);
  const of = (value: number): string => number(value, digitsOf(value));
  return [
    [say("mean_of", { n: of(found.mean) }), unit].filter(Boolean).join(" "),
    say("deviation_of", { n: number(found.deviation, 1) }),
    say("range_of", { min: of(found.min), max: of(found.max) }),
  ];
}

function probeLines(slide: Slide, [column, row]: Point): string[] {
  const pixels = values(slide);
  const [x, y] = [Math.round(column), Math.round(row)];
  if (!pixels || x < 0 || y < 0 || x >= pixels.columns || y >= pixels.rows) return [];
  const value = pixels.at(y * pixels.columns + x);
  return [[number(value, Number.isInteger(value) ? 0 : 1), valueUnit(slide)].filter(Boolean).join(" ")];
}

/** The lines beside a mark of `tool` whose handles lie at `world`. */
export function linesOf(tool: ToolName, slide: Slide, world: readonly (readonly number[])[]): string[] {
  const points = world.map((point) => toImage(slide, point));
  const [a, b, c, d] = points;
  if (!a) return [];
  if (tool === "probe") return probeLines(slide, a);
  if (!b) return [];
  if (tool === "length") return [length(slide, [a, b])];
  if (tool === "angle" && c) return [`${number(angleBetween([b, a], [b, c], stepOf(slide, points)), 1)}°`];
  if (tool === "cobb" && c && d) {
    // Both plates are read from the same side of the spine, whichever way they were drawn.
    const across = (from: Point, to: Point): [Point, Point] => (from[0] <= to[0] ? [from, to] : [to, from]);
    return [say("cobb_of", { n: number(angleBetween(across(a, b), across(c, d), stepOf(slide, points)), 1) })];
  }
  if ((tool === "ellipse" || tool === "rectangle") && c && d) {
    const region = tool === "ellipse" ? ellipse([a, b, c, d]) : rectangle([a, b, c, d]);
    return [...statisticsLines(slide, region), areaLine(slide, region, points)];
  }
  return [];
}
