/** The failure of a message that came from a queue and cannot be what the program asked for. */
import * as Schema from "effect/Schema"

/**
 * A message does not fit the schema of its queue.
 *
 * **When to use**
 *
 * Catch it in a worker, so that one message that cannot be read does not end the worker, and log it.
 *
 * **Details**
 *
 * The dequeue was rolled back, which counts as an attempt: the message comes again, and goes to its exception queue when it has failed more
 * often than the queue's `max_retries` (5 unless the queue says otherwise). So it is neither lost nor tried for good. The value is
 * not in the message.
 *
 * **Example** (Going on after a message that cannot be read)
 *
 * ```ts
 * import { OracleQueue } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const worker = (orders: OracleQueue.OracleQueue<{ readonly id: number }>) =>
 *   orders.take((order) => Effect.log(order.value.id)).pipe(
 *     Effect.catchTag("MessageDecodeError", (error) => Effect.logError(error.message)),
 *     Effect.forever
 *   )
 * ```
 *
 * @category errors
 * @since 0.3.0
 */
export class MessageDecodeError
  extends Schema.TaggedError<MessageDecodeError>("@sessionpool/oracle/MessageDecodeError")(
    "MessageDecodeError",
    {
      queue: Schema.String,
      messageId: Schema.String,
      /** How often the message was rolled back before. */
      attempts: Schema.Int,
      problem: Schema.String
    }
  )
{
  override get message(): string {
    return `Message ${this.messageId} of queue ${this.queue}: ${this.problem}. It was rolled back (attempt ${
      this.attempts + 1
    }), and goes to its exception queue after more than max_retries of them.`
  }
  /** Whether the same take may succeed later without any change: the message would be read the same way. */
  get isRetryable(): boolean {
    return false
  }
}
