/**
 * Session tags: the name of the state a session was left in.
 *
 * A tag is a list of properties, `USER_TZ=UTC;LANG=FRENCH`. The order of the properties does not matter: two tags with the
 * same properties are the same tag. Names and values are case-sensitive.
 *
 * Source of the form: "Session Tagging" in the Oracle Call Interface guide, and `ORA-24488` ("invalid properties or
 * values provided for OCISessionGet or OCISessionRelease") for anything else.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"

/**
 * A parsed tag.
 *
 * **Details**
 *
 * `text` is the tag as it was written, `canonical` has the properties in a fixed order: two tags are equal exactly when
 * their `canonical` texts are.
 *
 * @see {@link parse}
 * @category models
 * @since 0.1.0
 */
export interface SessionTag {
  readonly text: string
  readonly canonical: string
  readonly properties: ReadonlyMap<string, string>
}

/**
 * The tag without properties: the state of a session that has no tag.
 *
 * **When to use**
 *
 * Use where code needs a tag in any case, and there may be none.
 *
 * **Example** (No tag and the empty tag)
 *
 * ```ts
 * import { SessionTag } from "@sessionpool/core"
 *
 * console.log(SessionTag.equals(SessionTag.empty, undefined)) // true
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const empty: SessionTag = { text: "", canonical: "", properties: new Map() }

/**
 * Parses a tag; the failure says what is wrong with it.
 *
 * **When to use**
 *
 * Use to check a tag that comes from outside before it reaches a pool, or to read its properties in `onSession`.
 *
 * **Details**
 *
 * White space around names and values is ignored, as are a trailing `;` and a property given twice with the same value. A
 * text without any property, such as `""`, is {@link empty}: it means "no tag", here as in `setTag` and `release`.
 * Refused are a property without `=`, an empty name or value, and a name given twice with different values.
 *
 * **Example** (Reading a tag)
 *
 * ```ts
 * import { SessionTag } from "@sessionpool/core"
 * import { Result } from "effect"
 *
 * const tag = Result.getOrThrow(SessionTag.parse("LANG=FRENCH; TZ=UTC"))
 * console.log(tag.canonical) // LANG=FRENCH;TZ=UTC
 * console.log(tag.properties.get("TZ")) // UTC
 * console.log(Result.isFailure(SessionTag.parse("LANG"))) // true
 * ```
 *
 * @see {@link equals}
 * @see {@link shared}
 * @category constructors
 * @since 0.1.0
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
 * Whether two tags hold the same properties. No tag and the {@link empty} tag are the same, and equal no other.
 *
 * **When to use**
 *
 * Use in `onSession`, to see whether the session is in the state already.
 *
 * **Example** (The order does not matter)
 *
 * ```ts
 * import { SessionTag } from "@sessionpool/core"
 * import { Result } from "effect"
 *
 * const a = Result.getOrThrow(SessionTag.parse("A=1;B=2"))
 * const b = Result.getOrThrow(SessionTag.parse("B=2;A=1"))
 * console.log(SessionTag.equals(a, b)) // true
 * ```
 *
 * @category predicates
 * @since 0.1.0
 */
export const equals = (a: SessionTag | undefined, b: SessionTag | undefined): boolean =>
  (a?.canonical ?? "") === (b?.canonical ?? "")

/**
 * How many properties, name and value, two tags have in common: what `matchAnyTag` maximizes.
 *
 * **When to use**
 *
 * Use to see how near a session of `matchAnyTag` is to the state asked for.
 *
 * **Example** (One property in common)
 *
 * ```ts
 * import { SessionTag } from "@sessionpool/core"
 * import { Result } from "effect"
 *
 * const wanted = Result.getOrThrow(SessionTag.parse("LANG=FRENCH;TZ=UTC"))
 * const offered = Result.getOrThrow(SessionTag.parse("LANG=FRENCH;TZ=MST"))
 * console.log(SessionTag.shared(wanted, offered)) // 1
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const shared = (a: SessionTag, b: SessionTag): number => {
  let count = 0
  for (const [name, value] of a.properties) {
    if (b.properties.get(name) === value) count++
  }
  return count
}
