/** Values out of the DICOM JSON model (PS3.18 annex F), by tag. Everything may be missing, and anything may be wrong. */

export interface Element {
  vr?: string;
  Value?: unknown[];
}

export type Header = Record<string, Element | undefined>;

export const TAG = {
  sopClassUid: "00080016",
  sopInstanceUid: "00080018",
  modality: "00080060",
  bodyPart: "00180015",
  sliceThickness: "00180050",
  cineRate: "00180040",
  recommendedRate: "00082144",
  frameTime: "00181063",
  studyInstanceUid: "0020000D",
  seriesInstanceUid: "0020000E",
  instanceNumber: "00200013",
  patientOrientation: "00200020",
  imagePosition: "00200032",
  imageOrientation: "00200037",
  frameOfReference: "00200052",
  samplesPerPixel: "00280002",
  numberOfFrames: "00280008",
  rows: "00280010",
  columns: "00280011",
  photometric: "00280004",
  pixelSpacing: "00280030",
  pixelAspectRatio: "00280034",
  imagerPixelSpacing: "00181164",
  windowCenter: "00281050",
  windowWidth: "00281051",
  windowExplanation: "00281055",
  rescaleSlope: "00281053",
  lossyCompression: "00282110",
  sharedGroups: "52009229",
  perFrameGroups: "52009230",
  pixelMeasures: "00289110",
  spacingCalibration: "00280A02",
  magnification: "00181114",
  scannedSpacing: "00182010",
  units: "00541001",
  rescaleType: "00281054",
  ultrasoundRegions: "00186011",
  regionX0: "00186018",
  regionY0: "0018601A",
  regionX1: "0018601C",
  regionY1: "0018601E",
  regionUnitsX: "00186024",
  regionUnitsY: "00186026",
  regionDeltaX: "0018602C",
  regionDeltaY: "0018602E",
  planePosition: "00209113",
  planeOrientation: "00209116",
} as const;

/** All values of a tag as finite numbers (DS and IS may come as text). */
export function numbers(header: Header, tag: string): number[] {
  return (header[tag]?.Value ?? []).map(Number).filter(Number.isFinite);
}

/** The first value of a tag as text, trimmed; empty when absent. */
export function text(header: Header, tag: string): string {
  const value = header[tag]?.Value?.[0];
  return typeof value === "string" || typeof value === "number" ? String(value).trim() : "";
}

/** All values of a tag as texts. */
export function texts(header: Header, tag: string): string[] {
  return (header[tag]?.Value ?? []).map((value) => String(value).trim());
}

/** One item of a sequence; undefined when it is not there. */
export function item(header: Header | undefined, tag: string, index = 0): Header | undefined {
  const value = header?.[tag]?.Value?.[index];
  return typeof value === "object" && value !== null ? (value as Header) : undefined;
}

export interface Plane {
  position: number[];
  orientation: number[];
}

/** Millimetres between rows and between columns of a frame as its header states them; null when it does not. */
export function statedSpacing(header: Header, frame: number): [row: number, column: number] | null {
  const own = item(item(header, TAG.perFrameGroups, frame - 1), TAG.pixelMeasures);
  const shared = item(item(header, TAG.sharedGroups), TAG.pixelMeasures);
  const [row, column] = numbers(own ?? shared ?? header, TAG.pixelSpacing);
  return row && column && row > 0 && column > 0 ? [row, column] : null;
}

/** Where a frame lies in the patient (PS3.3 C.7.6.2, C.7.6.16): from the instance, or its functional groups when enhanced. */
export function plane(header: Header, frame: number): Plane | null {
  const own = item(header, TAG.perFrameGroups, frame - 1);
  const shared = item(header, TAG.sharedGroups);
  const positionIn = item(own, TAG.planePosition) ?? item(shared, TAG.planePosition) ?? header;
  const orientationIn = item(own, TAG.planeOrientation) ?? item(shared, TAG.planeOrientation) ?? header;
  const position = numbers(positionIn, TAG.imagePosition);
  const orientation = numbers(orientationIn, TAG.imageOrientation);
  return position.length === 3 && orientation.length === 6 ? { position, orientation } : null;
}
