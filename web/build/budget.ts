// Holds the page to its size: the build fails when all of it together, compressed, is larger than allowed.
// It measures what is written to disk, so nothing can slip past it.
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import { builtFiles } from "./precompress.ts";

/** @param limit bytes of gzip that all files of the page may have together */
export function budget(limit: number): Plugin {
  let folder = "";
  return {
    name: "budget",
    apply: "build",
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    closeBundle: {
      order: "post",
      sequential: true,
      handler() {
        const sizes = builtFiles(folder).map((path) => ({
          name: relative(folder, path),
          bytes: gzipSync(readFileSync(path), { level: 9 }).length,
        }));
        const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
        for (const { name, bytes } of sizes) this.info(`${name} ${bytes} bytes gzip`);
        this.info(`all ${total} of ${limit} bytes gzip`);
        if (total > limit) {
          this.error(`the page has ${total} bytes gzip, ${limit} are allowed; make it smaller`);
        }
      },
    },
  };
}
