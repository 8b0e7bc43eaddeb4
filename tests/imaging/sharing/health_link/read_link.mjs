// Reads a SMART Health Link with kill-the-clipboard, an independent implementation: link, passcode, embeddedLengthMax.
import { SHLViewer } from "../../../../static/node_modules/kill-the-clipboard/dist/index.esm.js";

const [, , uri, passcode, longest] = process.argv;
try {
  const viewer = new SHLViewer({ shlinkURI: uri });
  const found = await viewer.resolveSHL({ recipient: "Independent wallet", passcode, embeddedLengthMax: Number(longest) });
  console.log(JSON.stringify({ label: viewer.shl.label, resources: found.fhirResources, manifest: found.manifest }));
} catch (error) {
  console.log(JSON.stringify({ error: error.constructor.name, message: error.message }));
}
