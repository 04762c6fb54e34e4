/** The handle of a sessionless transaction, as it travels from one process to another. */
import * as Schema from "effect/Schema"

/** The longest that the database knows, in seconds. */
export const mostSeconds = 2_147_483_647

/**
 * A sessionless transaction that lies suspended: its id, and what is known of its end. It is a Schema, so that it can travel as JSON.
 *
 * **When to use**
 *
 * Keep it between two parts of the transaction: in a user's session, in a message, in a workflow.
 *
 * **Details**
 *
 * `id` is in hexadecimal digits, from 1 to 64 bytes. `timeout` is the time in seconds that the database lets it lie, counted anew at each suspension;
 * `expiresAt` is when that is over, by the clock of the process that suspended it last.
 *
 * **Gotchas**
 *
 * The database decides, not `expiresAt`: clocks differ, and an administrator may end a transaction. A part that fails with the reason `"gone"` has
 * found that out.
 *
 * **Example** (There and back)
 *
 * ```ts
 * import { SessionlessTransaction } from "@sessionpool/oracle"
 * import { Schema } from "effect"
 *
 * const Handle = Schema.toCodecJson(SessionlessTransaction.SessionlessTransaction)
 *
 * export const encode = Schema.encodeEffect(Handle)
 * export const decode = Schema.decodeUnknownEffect(Handle)
 * ```
 *
 * @category models
 * @since 0.2.0
 */
export class SessionlessTransaction extends Schema.Class<SessionlessTransaction>(
  "@sessionpool/oracle/SessionlessTransaction"
)({
  id: Schema.String.check(Schema.isPattern(/^(?:[0-9a-f]{2}){1,64}$/)),
  timeout: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: mostSeconds })),
  expiresAt: Schema.DateTimeUtc
}) {}
