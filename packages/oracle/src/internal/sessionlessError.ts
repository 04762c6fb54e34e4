/** What keeps a sessionless transaction from being begun or resumed. */
import * as Schema from "effect/Schema"

const texts = {
  gone:
    "is not there any more: it has expired, was committed or rolled back, or its session was lost. Begin the work again.",
  "in use":
    "is in use by another session, for longer than `wait`. Try again when that part has ended, or wait for a longer time.",
  "id taken": "cannot be begun: another one with this id is there already. Take another id, or none."
} as const

/**
 * A sessionless transaction cannot be begun, or resumed.
 *
 * **When to use**
 *
 * Match `reason` to decide what to do: begin the work again (`"gone"`), try once more (`"in use"`), or take another id (`"id taken"`).
 *
 * **Details**
 *
 * The reason is `"gone"` when it has expired or ended (ORA-26218, or it was ended inside of the part that ran), `"in use"` while another
 * session has it (ORA-25351), `"id taken"` when one with the same id exists (ORA-26217). Only `"in use"` is retryable.
 *
 * **Example** (Beginning again)
 *
 * ```ts
 * import type { SessionlessTransaction } from "@sessionpool/oracle"
 *
 * const mustBegin = (error: SessionlessTransaction.SessionlessTransactionError) => error.reason === "gone"
 * ```
 *
 * @category errors
 * @since 0.2.0
 */
export class SessionlessTransactionError
  extends Schema.TaggedError<SessionlessTransactionError>("@sessionpool/oracle/SessionlessTransactionError")(
    "SessionlessTransactionError",
    {
      reason: Schema.Literals(["gone", "in use", "id taken"]),
      /** In hexadecimal digits. */
      id: Schema.String,
      cause: Schema.optionalKey(Schema.Defect())
    }
  )
{
  override get message(): string {
    return `The sessionless transaction ${this.id} ${texts[this.reason]}`
  }

  /** Whether the same may succeed later. */
  get isRetryable(): boolean {
    return this.reason === "in use"
  }
}
