/**
 * Removes what looks like a credential from text that is about to be shown, logged or put in an error.
 *
 * The driver repeats the connect string in some messages (`NJS-515`, `NJS-517`), a server repeats the statement, and a
 * caller may have written `user/password@host` where only a connect string belongs. Text is therefore cleaned by the shape
 * of what surrounds a secret, and by exact match when the secret itself is known.
 */
import * as Redacted from "effect/Redacted"
import { SecretMark } from "./secretMark.ts"
import { withoutIdentifiedBy, withoutSecrets } from "./sqlSecrets.ts"

/** What stands in the place of a secret. */
export const mask = "<redacted>"

/** A known secret is replaced wherever it stands, unless it is so short that it would shred ordinary words. */
const shortestKnownSecret = 4

/** Repetitions are bounded throughout, so that no text, however odd, takes more than linear time. */
const secretName = String.raw`(?:password|passwd|passphrase|pwd|secret|access_?token|private_?key)[\w$.-]{0,40}`

/** `(WALLET_PASSWORD = tiger)`, also quoted: everything up to the parenthesis that closes the value. */
const descriptorParameter = new RegExp(
  String.raw`(\(\s{0,20}[\w$.-]{0,40}${secretName}\s{0,20}=\s{0,20})("[^"]*"|'[^']*'|[^()]*)`,
  "gi"
)

/** `password: "tiger"`, `"password":"tiger"`, `?wallet_password=tiger&`. */
const assignment = new RegExp(
  String.raw`(${secretName}["']?\s{0,20}(?:=>|[=:])\s{0,20})("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;&)}\]]+)`,
  "gi"
)

const jsonWebToken = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g
const pemKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g
const quotedPassword = /\/"[^"]*"@/g
const scheme = /^[^\w]*\w[\w+.-]*:\/\//

/**
 * One run of non-space characters that may be `user/password@host` or `scheme://user:password@host`. A password may hold
 * `/` and `@`, so the secret reaches from the first separator to the last `@`: too much is removed rather than too little.
 */
const redactCredentials = (word: string): string => {
  const at = word.lastIndexOf("@")
  if (at <= 0) return word
  const head = word.slice(0, at)
  const prefix = scheme.exec(head)?.[0].length ?? 0
  const separator = prefix === 0 ? /\// : /[:/]/
  const offset = head.slice(prefix).search(separator)
  return offset < 0 ? word : `${head.slice(0, prefix + offset + 1)}${mask}${word.slice(at)}`
}

/** A secret that is known, or the mark that a session keeps of one. */
export type KnownSecret = string | Redacted.Redacted<string> | SecretMark

type Secrets = ReadonlyArray<KnownSecret>

const redactKnown = (text: string, secrets: Secrets): string => {
  let out = text
  for (const secret of secrets) {
    const known = secret instanceof SecretMark || typeof secret === "string" ? secret : Redacted.value(secret)
    if (known.length < shortestKnownSecret) continue
    out = typeof known === "string" ? out.replaceAll(known, mask) : known.removeFrom(out, mask)
  }
  return out
}

const redact = (text: string, assigned: (whole: string, name: string) => string): string => {
  let out = text
  if (out.includes("PRIVATE KEY-----")) out = out.replace(pemKey, mask)
  out = out.replace(jsonWebToken, mask).replace(descriptorParameter, `$1${mask}`)
  out = out.replace(assignment, assigned)
  if (!out.includes("@")) return out
  return out.replace(quotedPassword, `/${mask}@`).replace(/\S+/g, redactCredentials)
}

/**
 * Cleans `text`; `secrets` are removed wherever they stand.
 *
 * A secret of fewer than four characters is found by its surroundings only. A password with spaces in
 * `user/password@host`, without quotes, is found only when it is among `secrets`.
 */
export const redactSecrets = (text: string, secrets: Secrets = []): string =>
  redact(withoutIdentifiedBy(redactKnown(text, secrets), mask), (_, name) => `${name}${mask}`)

/** `at query (/app/db.js:1:2)`: what the engine writes below the message. */
const frame = /^\s+at (?:async )?(?:[^/@]*\()?(?:index \d|file:\/\/|node:|[A-Z]:\\|\/|<anonymous>)[^\n]*$/

/**
 * Cleans a stack. The frames at its end keep their paths, which may hold `/` and `@` (as those of pnpm do); what stands
 * before them is the message.
 */
export const redactStack = (stack: string, secrets: Secrets = []): string => {
  const lines = stack.split("\n")
  let first = lines.length
  while (first > 0 && frame.test(lines[first - 1] ?? "")) first--
  const frames = lines.slice(first).join("\n")
  return [
    redactSecrets(lines.slice(0, first).join("\n"), secrets),
    ...(frames === "" ? [] : [redactKnown(frames, secrets)])
  ]
    .join("\n")
}

/** Cleans a statement, in which `password = :pw` holds a placeholder and no secret. */
export const redactStatement = (sql: string, secrets: Secrets = []): string =>
  redact(
    withoutSecrets(redactKnown(sql, secrets), mask),
    (whole, name) => /^:\s*\w/.test(whole.slice(name.length)) ? whole : `${name}${mask}`
  )

/**
 * Details that the server adds since 23ai and that hold row or bind values: the key of `ORA-00001` (`ORA-03301`), the text
 * of `ORA-01722` (`ORA-03302`) and their kind. All have the form `ORA-nnnnn: (ORA-mmmmm details) ...`.
 */
const valueDetails = /(ORA-\d{5}: \(ORA-\d{5} details\))[^\n]*/g

/** Removes the values that the server quotes in the detail lines of an error. */
export const redactValues = (text: string): string => text.replace(valueDetails, "$1 <values left out>")
