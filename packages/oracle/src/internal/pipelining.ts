/** Whether the calls of an effect go to the server together, where it does not follow its pool. */
import * as Context from "effect/Context"
import * as Fiber from "effect/Fiber"

/** `undefined` follows the pool's option `pipelining`. */
export const Pipelining: Context.Reference<boolean | undefined> = Context.Reference<boolean | undefined>(
  "@sessionpool/oracle/OracleStatement/Pipelining",
  { defaultValue: () => undefined }
)

/** What the fiber that runs now has asked for. */
export const wantsPipelining = (): boolean | undefined => {
  const fiber = Fiber.getCurrent()
  return fiber === undefined ? undefined : Context.get(fiber.context, Pipelining)
}
