/** The failure of everything that reads or changes a connect string. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * A connect string that cannot be read or must not be sent.
 *
 * **When to use**
 *
 * Show its `message` to whoever wrote the connect string, and match `problem` to tell a mistake in the text from a name that is not there.
 *
 * **Details**
 *
 * `problem` is `"syntax"` (the text is malformed), `"alias"` (a name that no tnsnames.ora given has) or `"value"` (a setting
 * that cannot stand in a connect string). `position` counts characters from the start of the text, 0 for the first; for an
 * alias, from the start of its file. The text itself is not part of the error: it may hold a password.
 *
 * **Example** (A missing parenthesis)
 *
 * ```ts
 * import { ConnectDescriptor } from "@sessionpool/oracle"
 * import { Result } from "effect"
 *
 * const failure = Result.getFailure(ConnectDescriptor.parse("(DESCRIPTION=(ADDRESS=(HOST=db))"))
 * // position 32: the last parenthesis is missing
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class ConnectDescriptorError extends Schema.TaggedError<ConnectDescriptorError>(
  "@sessionpool/oracle/ConnectDescriptorError"
)("ConnectDescriptorError", {
  problem: Schema.Literals(["syntax", "alias", "value"]),
  message: Schema.String,
  /** Where, in characters from the start of the text; none where no text was read. */
  position: Schema.optional(Schema.Int),
  /** The `tnsnames.ora` of an entry that cannot be read, and the line, 1 for the first. */
  file: Schema.optional(Schema.String),
  line: Schema.optional(Schema.Int)
}) {}

/** Ends the reading of a text; {@link attempt} turns it into a failure. */
export const malformed = (position: number, what: string): never => {
  throw new ConnectDescriptorError({
    problem: "syntax",
    position,
    message: `malformed connect string at position ${position}: ${what}`
  })
}

/** Ends the making of a setting. */
export const unusable = (what: string): never => {
  throw new ConnectDescriptorError({ problem: "value", message: what })
}

/** Runs a reader, in which a throw is the way out of nested calls, and returns what it found. */
export const attempt = <A>(read: () => A): Result.Result<A, ConnectDescriptorError> =>
  Result.try({
    try: read,
    catch: (thrown) => {
      if (thrown instanceof ConnectDescriptorError) return thrown
      throw thrown
    }
  })
