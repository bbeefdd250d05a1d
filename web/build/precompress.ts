// Writes `.gz` and `.br` files beside every built file, so that the server never compresses anything.
// It leaves out a form that is not smaller than the file itself.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const COMPRESSIBLE = /\.(js|css|html|svg|json|txt)$/;

export function precompress(): Plugin {
  let folder = "";
  return {
    name: "precompress",
    apply: "build",
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    closeBundle: {
      order: "pre",
      sequential: true,
      handler() {
        for (const path of builtFiles(folder)) {
          const plain = readFileSync(path);
          writeIfSmaller(`${path}.gz`, gzipSync(plain, { level: 9 }), plain);
          writeIfSmaller(`${path}.br`, brotli(plain), plain);
        }
      },
    },
  };
}

/** Every file below `folder` that compression can make smaller. */
export function builtFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => COMPRESSIBLE.test(name))
    .map((name) => join(folder, name));
}

function brotli(plain: Buffer): Buffer {
  return brotliCompressSync(plain, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
    },
  });
}

function writeIfSmaller(path: string, packed: Buffer, plain: Buffer): void {
  if (packed.length < plain.length) writeFileSync(path, packed);
}
