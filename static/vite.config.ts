import { defineConfig, type Plugin } from "vite";
import { lean, onlyDeclares } from "./lean.ts";

/**
 * One build for the whole front end: `npm run build` writes static/build, which Django serves at /static/ and finds by its manifest.
 */

/** Cornerstone's drawing helpers set `style` as an attribute, which `style-src 'self'` forbids; the property is allowed and draws the same. */
function styleByProperty(): Plugin {
  const attribute = /([\w.]+)\.setAttribute\((['"])style\2,\s*([^;]+)\);/g;
  return {
    name: "style-by-property",
    transform(code, id) {
      if (!id.includes("@cornerstonejs/tools") || !code.includes("setAttribute")) return null;
      const rewritten = code.replace(attribute, "$1.style.cssText = $3;");
      return rewritten === code ? null : { code: rewritten, map: null };
    },
  };
}

export default defineConfig({
  base: "/static/",
  publicDir: false,
  plugins: [styleByProperty(), lean()],
  resolve: {
    // npm's browser versions of two Node modules; without the slash Vite replaces them by nothing and the bundle dies at load.
    alias: [
      { find: /^events$/, replacement: "events/" },
      { find: /^url$/, replacement: "url/" },
    ],
  },
  worker: { format: "es" },
  build: {
    outDir: "build",
    emptyOutDir: true,
    manifest: "manifest.json",
    target: "es2022",
    cssTarget: ["chrome123", "firefox128", "safari17.5"], // light-dark() as written, not lowered
    assetsInlineLimit: 0, // no data: URIs, so that the policy stays tight
    chunkSizeWarningLimit: 1200, // vtk.js and Cornerstone: one big chunk that only the viewer's page loads
    rollupOptions: {
      treeshake: { moduleSideEffects: (id) => !onlyDeclares(id) },
      input: {
        look: "css/look.css",
        admin: "css/admin.css",
        administration: "pages/administration.ts",
        pages: "pages/main.ts",
        report: "pages/report/main.ts",
        study: "pages/study/main.ts",
        reference: "pages/reference/main.ts",
        referenceLook: "css/reference.css",
        share: "pages/share/main.ts",
        upload: "pages/upload/main.ts",
        viewer: "viewer/main.ts",
        wrap: "pages/wrap/main.ts",
      },
    },
  },
});
