import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** report.html carries app.js inside a script element: nothing in it may end or reopen that element. */
const fitsInOneFile: Plugin = {
  name: "fits-in-one-file",
  generateBundle(_options, bundle) {
    for (const part of Object.values(bundle)) {
      const text = part.type === "chunk" ? part.code : String(part.source);
      if (part.type === "chunk" && /<\/script|<!--/i.test(text)) {
        part.code = text.replace(/<\/(script)/gi, "<\\/$1").replace(/<!--/g, "<\\!--");
      } else if (part.fileName.endsWith(".css") && /<\/style/i.test(text)) {
        throw new Error("app.css may not say </style");
      }
    }
  },
};

// One script and one style of fixed names: the server sends them, report.html carries them, CI compares them.
export default defineConfig({
  plugins: [react(), fitsInOneFile],
  // A classic script has no import.meta; only the helper that preloads chunks asks, and there are no chunks.
  define: { "import.meta.resolve": "undefined", "import.meta.url": "\"\"" },
  build: {
    outDir: process.env.PAGE_OUT ?? "../static",
    emptyOutDir: true,
    target: "es2022",
    cssCodeSplit: false,
    modulePreload: false,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 3000,
    license: { fileName: "licenses.txt" },
    rollupOptions: {
      input: "src/main.tsx",
      output: {
        format: "iife",
        codeSplitting: false,
        entryFileNames: "app.js",
        assetFileNames: (asset) => (asset.names[0]?.endsWith(".css") ? "app.css" : "[name][extname]"),
      },
    },
  },
});
