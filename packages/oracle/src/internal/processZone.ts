/** Whether the process's own time zone is UTC, in which local times and those of UTC are the same. */

let known: { readonly variable: string | undefined; readonly isUtc: boolean } | undefined

/** Names of one zone; `Intl` gives the first for most of them. */
const namesOfUtc: ReadonlySet<string> = new Set(["UTC", "Etc/UTC", "Etc/GMT", "GMT"])

/** A program can change its zone by `TZ`, and with nothing else. */
export const isUtcProcess = (): boolean => {
  const variable = process.env["TZ"]
  if (known === undefined || known.variable !== variable) {
    known = { variable, isUtc: namesOfUtc.has(new Intl.DateTimeFormat().resolvedOptions().timeZone) }
  }
  return known.isUtc
}
