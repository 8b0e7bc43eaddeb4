/**
 * What the viewer never opens is left out of its bundle: volumes, videos, slides under a microscope, ECG, segmentations, files of
 * part 10, and the dictionary that reads them. Cornerstone ties all of it to what draws a stack, by lists of classes and by
 * `instanceof`; a class that nothing is an instance of answers those questions the same, and weighs nothing.
 *
 * A path that is not there any more stops the build: a new version of the library is looked at again.
 */
import { existsSync } from "node:fs";
import type { Plugin } from "vite";

const NODE_MODULES = new URL("./node_modules/", import.meta.url);
const CORE = "@cornerstonejs/core/dist/esm/";
const ENGINE = `${CORE}RenderingEngine/`;
const TOOLS = "@cornerstonejs/tools/dist/esm/";
const LOADER = "@cornerstonejs/dicom-image-loader/dist/esm/";

const nothingIsOne = (name: string): string => `export default class ${name} {}\n`;

/** The viewports by their type: ours is the stack. With it come the parts of vtk.js that draw a slice on a graphics card. */
const STACK_ONLY = `
import "@kitware/vtk.js/Rendering/OpenGL/Camera.js";
import "@kitware/vtk.js/Rendering/OpenGL/ImageMapper.js";
import "@kitware/vtk.js/Rendering/OpenGL/ImageSlice.js";
import "@kitware/vtk.js/Rendering/OpenGL/PixelSpaceCallbackMapper.js";
import "@kitware/vtk.js/Rendering/OpenGL/Renderer.js";
import "@kitware/vtk.js/Rendering/OpenGL/Texture.js";
import StackViewport from "../StackViewport.js";
import ViewportType from "../../enums/ViewportType.js";
export function registerViewportType({ type }) {
  throw new Error("This build opens stacks, not " + type + ".");
}
export const isRegisteredViewportType = (type) => type === ViewportType.STACK;
export function getViewportClassForInput({ type }) {
  if (type !== ViewportType.STACK) throw new Error("This build opens stacks, not " + type + ".");
  return StackViewport;
}
export default { [ViewportType.STACK]: StackViewport };
`;

/** Pixels come by WADO-RS, and what is known of them from the headers that the viewer hands over itself (\`slides.ts\`). */
const WADO_RS_ONLY = `
import { cache, metaData, registerImageLoader } from "@cornerstonejs/core";
import loadImage from "./wadors/loadImage.js";
import { metaDataProvider } from "./wadors/metaData/index.js";
import metaDataManager from "./wadors/metaDataManager.js";
export default function registerLoaders() {
  cache.purgeCache();
  metaDataManager.purge();
  registerImageLoader("wadors", loadImage);
  metaData.addProvider(metaDataProvider);
}
`;

/** One thing out of a package that the library takes apart at run time, by which all of it would come along. */
const from = (path: string, names: string): string => `export { ${names} } from "@cornerstonejs/metadata/${path}";\n`;

const NOTHING = "export default () => undefined;\n";

const GREYS = `
const grey = (Name, from, to) => ({ ColorSpace: "RGB", Name, NanColor: [1, 0, 0], RGBPoints: [0, from, from, from, 1, to, to, to] });
const maps = new Map([grey("Grayscale", 0, 1), grey("Inverted-Grayscale", 1, 0), grey("X Ray", 1, 0)].map((map) => [map.Name, map]));
export default { rgbPresetNames: [...maps.keys()], getPresetByName: (name) => maps.get(name) };
`;

const LOGGING = `
import log from "loglevel";
export function getRootLogger(name) {
  const logger = log.getLogger(name);
  logger.getLogger = (...names) => getRootLogger(name + "." + names.join("."));
  return logger;
}
export const getLogger = (...name) => getRootLogger(name.join("."));
export const cs3dLog = getRootLogger("cs3d");
${["metadata", "core", "tools", "adapters", "niftiVolumeLoader", "labelmapInterpolation", "ai", "examples", "worker"].map((name) => `export const ${name}Log = cs3dLog.getLogger("${name}");`).join("\n")}
export const loaderLog = cs3dLog.getLogger("dicomImageLoader");
export const polySegLog = cs3dLog.getLogger("polymorphicSegmentation");
export const dicomConsistencyLog = log.getLogger("consistency.dicom");
export const imageConsistencyLog = log.getLogger("consistency.image");
export { log };
`;

const LEAN: Record<string, string> = {
  [`${CORE}utilities/splitImageIdsBy4DTags.js`]: from("utilities/splitImageIdsBy4DTags", "default, handleMultiframe4D, generateFrameImageId"),
  [`${CORE}utilities/isVideoTransferSyntax.js`]: from("utilities/isVideoTransferSyntax", "default, videoUIDs"),
  [`${CORE}utilities/getPixelSpacingInformation.js`]: from(
    "utilities/getPixelSpacingInformation",
    "getPixelSpacingInformation as default, getPixelSpacingInformation, calculateRadiographicPixelSpacing, getERMF",
  ),
  [`${CORE}utilities/calibratedPixelSpacingMetadataProvider.js`]: from("utilities/calibratedPixelSpacingMetadataProvider", "default"),
  [`${CORE}utilities/imageIdToURI.js`]: from("utilities/imageIdToURI", "default"),
  [`${CORE}enums/MetadataModules.js`]: from("enums/MetadataModules", "default"),
  [`${CORE}enums/CalibrationTypes.js`]: from("enums/CalibrationTypes", "default, default as CalibrationTypes"),
  // Of the maps of colours only those of greys: a reset of the view looks its own one up by what it holds.
  [`${CORE}constants/cpuColormaps.js`]: "export default {};\n",
  "@kitware/vtk.js/Rendering/Core/ColorTransferFunction/ColorMaps.js": GREYS,
  // The log of the library is loglevel's; it takes it out of a package of a megabyte that reads files.
  "@cornerstonejs/utils/dist/esm/utilities/logging/index.js": LOGGING,
  // The parts that draw are named where the stack is.
  "@kitware/vtk.js/Rendering/Profiles/Geometry.js": "",
  "@kitware/vtk.js/Rendering/Profiles/Volume.js": "",
  ...Object.fromEntries(
    ["BaseVolumeViewport", "VolumeViewport", "VolumeViewport3D", "VideoViewport", "WSIViewport", "ECGViewport"].map((name) => [
      `${ENGINE}${name}.js`,
      nothingIsOne(name),
    ]),
  ),
  [`${ENGINE}helpers/viewportTypeToViewportClass.js`]: STACK_ONLY,
  [`${LOADER}imageLoader/registerLoaders.js`]: WADO_RS_ONLY,
  [`${TOOLS}tools/displayTools/registerBuiltInSegmentationRepresentationDisplays.js`]: "export function registerBuiltInSegmentationRepresentationDisplays() {}\n",
  [`${TOOLS}eventListeners/segmentation/index.js`]: `
const nothing = () => undefined;
const never = { enable: nothing, disable: nothing };
export { nothing as segmentationDataModifiedEventListener, nothing as segmentationModifiedListener, never as imageChangeEventListener };
`,
  [`${TOOLS}eventListeners/segmentation/segmentationRepresentationModifiedListener.js`]: NOTHING,
  [`${TOOLS}eventListeners/segmentation/segmentationRemovedEventListener.js`]: NOTHING,
  [`${TOOLS}eventListeners/segmentation/renderingPipelineChangedListener.js`]: NOTHING,
  [`${TOOLS}eventListeners/annotations/contourSegmentation/contourSegmentationCompleted.js`]: NOTHING,
  [`${TOOLS}eventListeners/annotations/contourSegmentation/contourSegmentationRemoved.js`]: NOTHING,
  [`${TOOLS}eventDispatchers/annotationInterpolationEventDispatcher.js`]: "export default { enable() {}, disable() {} };\n",
};

/** Changed in a module, the rest of which is needed. */
const CHANGED: Record<string, [what: RegExp, by: string]> = {
  // What turns volumes, surfaces and spheres into pictures.
  [`${ENGINE}vtkClasses/vtkStreamingOpenGLViewNodeFactory.js`]: [
    /^.*(?:OpenGL\/(?:Actor|Actor2D|Glyph3DMapper|ImageCPRMapper|ImageResliceMapper|PolyDataMapper|Skybox|SphereMapper|StickMapper|Volume|VolumeMapper)\.js|from '\.\/vtkStreaming|registerOverride\('vtk(?:Actor|Actor2D|Glyph3DMapper|ImageCPRMapper|ImageResliceMapper|Mapper|Skybox|SphereMapper|StickMapper|Volume|VolumeMapper|Shared\w+)').*\n/gm,
    "",
  ],
  // Four UIDs, of PS3.5 section 10, out of the package that reads files.
  "@cornerstonejs/metadata/dist/esm/enums/TransferSyntaxes.js": [
    /^import \{ constants \} from 'dcmjs';/,
    `const constants = {
  IMPLICIT_LITTLE_ENDIAN: "1.2.840.10008.1.2",
  EXPLICIT_LITTLE_ENDIAN: "1.2.840.10008.1.2.1",
  DEFLATED_EXPLICIT_LITTLE_ENDIAN: "1.2.840.10008.1.2.1.99",
  EXPLICIT_BIG_ENDIAN: "1.2.840.10008.1.2.2",
};`,
  ],
};

/** Replace the modules of the list, and let those that only declare go when nobody uses what they declare. */
export function lean(): Plugin {
  const named = (id: string): string => id.split("?")[0]?.split("/node_modules/").pop() ?? "";
  return {
    name: "lean",
    enforce: "pre",
    buildStart() {
      for (const path of [...Object.keys(LEAN), ...Object.keys(CHANGED)]) if (!existsSync(new URL(path, NODE_MODULES))) this.error(`${path} is not there any more: look at static/lean.ts again.`);
    },
    load(id) {
      return LEAN[named(id)] ?? null;
    },
    transform(code, id) {
      const change = CHANGED[named(id)];
      if (!change) return null;
      const changed = code.replace(...change);
      if (changed === code) this.error(`${id} is not as it was: look at static/lean.ts again.`);
      return { code: changed, map: null };
    },
  };
}

/** Packages whose modules only declare, though they do not say so. */
export function onlyDeclares(id: string): boolean {
  return id.includes("/@cornerstonejs/dicom-image-loader/") && !id.includes("Worker");
}
