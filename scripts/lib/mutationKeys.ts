/** How the mutation runs name a mutant: by what it changes, so that a later run knows what became of it. */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"

export interface Place {
  readonly start: { readonly line: number; readonly column: number }
  readonly end: { readonly line: number; readonly column: number }
}

const digest = (...parts: ReadonlyArray<string | Buffer>): string => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest("hex").slice(0, 12)
}

/** A short hash of what files hold. */
export const hashOf = (...files: ReadonlyArray<string>): string => digest(...files.map((file) => readFileSync(file)))

/** The name of a mutant; lines and columns count from 0. */
export const keyOf = (file: string, { end, start }: Place, mutator: string, replacement: string): string =>
  `${file}:${start.line}:${start.column}-${end.line}:${end.column} ${mutator} ${replacement}`

/** Whether a mutant is in the sample that holds this share of all. It is as good as random, and the same in every run. */
export const isInSample = (key: string, share: number): boolean => Number.parseInt(digest(key), 16) < share * 16 ** 12
