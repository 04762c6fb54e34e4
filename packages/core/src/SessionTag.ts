/**
 * Session tags: the name of the state a session was left in.
 *
 * A tag is a list of properties, `USER_TZ=UTC;LANG=FRENCH`. The order of the properties does not matter: two tags that
 * hold the same properties are the same tag. Names and values are compared exactly, upper and lower case apart.
 *
 * Source of the form: "Session Tagging" in the Oracle Call Interface guide, and `ORA-24488` ("invalid properties or
 * values provided for OCISessionGet or OCISessionRelease") for anything else.
 */
import * as Result from "effect/Result"

/**
 * A parsed tag.
 *
 * **Details**
 *
 * `text` is the tag as it was written, `canonical` has the properties in a fixed order: two tags are equal exactly when
 * their `canonical` texts are.
 */
export interface SessionTag {
  readonly text: string
  readonly canonical: string
  readonly properties: ReadonlyMap<string, string>
}

/**
 * The tag without properties: the state of a session that has no tag.
 *
 * @example
 * ```ts
 * import { SessionTag } from "@sessionpool/core"
 *
 * console.log(SessionTag.equals(SessionTag.empty, undefined)) // true
 * ```
 */
export const empty: SessionTag = { text: "", canonical: "", properties: new Map() }

/**
 * Reads a tag; the failure says what is wrong with it.
 *
 * **Details**
 *
 * White space around names and values is ignored, as are a trailing `;` and a property given twice with the same value. A
 * text without any property, such as `""`, is {@link empty}: it means "no tag", here as in `setTag` and `release`.
 * Refused are a property without `=`, an empty name or value, and a name given twice with different values.
 *
 * @example
 * ```ts
 * import { SessionTag } from "@sessionpool/core"
 * import { Result } from "effect"
 *
 * const tag = Result.getOrThrow(SessionTag.parse("LANG=FRENCH; TZ=UTC"))
 * console.log(tag.canonical) // LANG=FRENCH;TZ=UTC
 * console.log(SessionTag.parse("LANG").toString())
 * ```
 */
export const parse = (text: string): Result.Result<SessionTag, string> => {
  const properties = new Map<string, string>()
  for (const part of text.split(";")) {
    const property = part.trim()
    if (property === "") continue
    const equals = property.indexOf("=")
    if (equals < 0) {
      return Result.fail(`the property "${property}" has no "="; a tag has the form "name=value;name=value"`)
    }
    const name = property.slice(0, equals).trim()
    const value = property.slice(equals + 1).trim()
    if (name === "") return Result.fail(`the property "${property}" has no name before "="`)
    if (value === "") return Result.fail(`the property "${name}" has no value after "="`)
    if (value.includes("=")) return Result.fail(`the property "${property}" has more than one "="`)
    const known = properties.get(name)
    if (known !== undefined && known !== value) {
      return Result.fail(`the property "${name}" is given twice, as "${known}" and as "${value}"`)
    }
    properties.set(name, value)
  }
  if (properties.size === 0) return Result.succeed(empty)
  const canonical = properties.size === 1
    ? [...properties].map(([name, value]) => `${name}=${value}`).join("")
    : [...properties].map(([name, value]) => `${name}=${value}`).sort().join(";")
  return Result.succeed({ text, canonical, properties })
}

/**
 * Whether two tags hold the same properties; no tag equals only no tag, and the {@link empty} one, which is the same.
 *
 * @example
 * ```ts
 * import { SessionTag } from "@sessionpool/core"
 * import { Result } from "effect"
 *
 * const a = Result.getOrThrow(SessionTag.parse("A=1;B=2"))
 * const b = Result.getOrThrow(SessionTag.parse("B=2;A=1"))
 * console.log(SessionTag.equals(a, b)) // true
 * ```
 */
export const equals = (a: SessionTag | undefined, b: SessionTag | undefined): boolean =>
  (a?.canonical ?? "") === (b?.canonical ?? "")

/**
 * How many properties, name and value, two tags have in common: what `matchAnyTag` maximises.
 *
 * @example
 * ```ts
 * import { SessionTag } from "@sessionpool/core"
 * import { Result } from "effect"
 *
 * const wanted = Result.getOrThrow(SessionTag.parse("LANG=FRENCH;TZ=UTC"))
 * const offered = Result.getOrThrow(SessionTag.parse("LANG=FRENCH;TZ=MST"))
 * console.log(SessionTag.shared(wanted, offered)) // 1
 * ```
 */
export const shared = (a: SessionTag, b: SessionTag): number => {
  let count = 0
  for (const [name, value] of a.properties) {
    if (b.properties.get(name) === value) count++
  }
  return count
}
