/** What a part of a package weighs in a program that is bundled: minified, without `effect`, which the program has anyway. */
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { rolldown } from "rolldown"

/** A program that uses a part of a package, and how many bytes it may cost. */
export interface Budget {
  readonly name: string
  readonly program: string
  readonly gzip: number
}

/** Sizes in bytes. */
export interface Weight {
  readonly minified: number
  readonly gzip: number
}

/** Bundles a program that stands in `folder`, where its packages can be resolved from. */
export const weigh = async (folder: string, program: string): Promise<Weight> => {
  const entry = join(folder, "program.js")
  const bundle = await rolldown({
    input: entry,
    external: [/^effect(?:\/|$)/, /^node:/],
    plugins: [{
      name: "program",
      load: (id) => id === entry ? program : null,
      resolveId: (id) => id === entry ? id : null
    }]
  })
  const { output: [{ code }] } = await bundle.generate({ minify: true, format: "esm" })
  await bundle.close()
  // What it leaves for a bundler that comes after it is in no program.
  const bare = code.replaceAll(/\/\* @__(?:PURE|NO_SIDE_EFFECTS)__ \*\/ ?/g, "")
  return { minified: Buffer.byteLength(bare), gzip: gzipSync(bare).length }
}
