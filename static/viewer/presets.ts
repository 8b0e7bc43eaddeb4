/** Window presets on the keys 1 to 5, by modality and body part; what the modality itself stored comes first. */
import { TAG, numbers, text, texts, type Header } from "./header";
import { say } from "./words";

export interface Preset {
  name: string;
  width: number;
  center: number;
}

const CT_HEAD: [string, number, number][] = [
  ["brain", 80, 40],
  ["subdural", 200, 75],
  ["stroke", 40, 40],
  ["bone", 2800, 600],
  ["soft_tissue", 400, 40],
];

const CT_BODY: [string, number, number][] = [
  ["soft_tissue", 400, 40],
  ["lung", 1500, -600],
  ["bone", 1800, 400],
  ["liver", 150, 60],
  ["angiography", 600, 170],
];

const HEAD = /head|brain|skull|cran|crân|face|sinus|orbit|petrous|rocher|encephal/i;

/** Windows of the header (PS3.3 C.11.2.1.2), named by their explanation where there is one. */
function stored(header: Header): Preset[] {
  const centers = numbers(header, TAG.windowCenter);
  const widths = numbers(header, TAG.windowWidth);
  const names = texts(header, TAG.windowExplanation);
  return centers.flatMap((center, index) => {
    const width = widths[index];
    const name = names[index] || (index ? `${say("preset_stored")} ${index + 1}` : say("preset_stored"));
    return width && width > 0 ? [{ name, width, center }] : [];
  });
}

/** Up to five presets. `range` is what the pixels hold, in units of the modality; `described` is the text that names the region. */
export function presets(header: Header, described: string, range: [number, number] | null): Preset[] {
  if (text(header, TAG.modality) === "CT") {
    const region = `${text(header, TAG.bodyPart)} ${described}`;
    return (HEAD.test(region) ? CT_HEAD : CT_BODY).map(([key, width, center]) => ({ name: say(`preset_${key}`), width, center }));
  }
  if ((numbers(header, TAG.samplesPerPixel)[0] ?? 1) > 1) return [];
  const own = stored(header);
  if (!range) return own.slice(0, 5);
  const width = Math.max(range[1] - range[0], 1);
  const center = (range[0] + range[1]) / 2;
  const base = own[0] ?? { width, center };
  return [
    ...own.slice(0, 2),
    { name: say("preset_full"), width, center },
    { name: say("preset_contrast"), width: base.width * 0.6, center: base.center },
    { name: say("preset_soft"), width: base.width * 1.6, center: base.center },
  ].slice(0, 5);
}
