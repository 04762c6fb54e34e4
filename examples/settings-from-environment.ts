/**
 * Settings from the environment: `max` from `HR_POOL_MAX`, `waitTimeout` from `HR_POOL_WAIT_TIMEOUT`, and so on. What is not
 * set keeps its default, and what cannot be used is named with its value and its bound.
 */
import { PoolOptions, SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { ConfigProvider, Console, Duration, Effect } from "effect"

const program = Effect.gen(function*() {
  const settings = yield* PoolOptions.config("HR_POOL")
  const database = yield* TestDatabase.make()
  const pool = yield* SessionPool.make({ ...settings, driver: database.driver })
  const { max, min, name, password, timeout, user } = yield* pool.settings
  yield* Console.log(`pool "${name}" of ${user}, password ${password}`)
  yield* Console.log(`${min} to ${max} sessions, idle for ${Duration.format(timeout)} at most`)
}).pipe(Effect.scoped)

/** Stands in for the environment of the process, which is what `Config` reads unless told otherwise. */
const environment = (variables: Record<string, string>) => ConfigProvider.layer(ConfigProvider.fromUnknown(variables))

export const main = Effect.gen(function*() {
  yield* program.pipe(Effect.provide(environment({
    HR_POOL_NAME: "hr",
    HR_POOL_USER: "scott",
    HR_POOL_PASSWORD: "tiger",
    HR_POOL_MIN: "2",
    HR_POOL_MAX: "16",
    HR_POOL_TIMEOUT: "5 minutes"
  })))
  const refused = yield* program.pipe(
    Effect.provide(environment({ HR_POOL_USER: "scott", HR_POOL_MAX: "many", HR_POOL_TIMEOUT: "-1 minute" })),
    Effect.flip
  )
  yield* Console.log(refused._tag === "ConfigError" ? refused.cause.message : refused.message)
})

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
pool "hr" of scott, password <redacted>
2 to 16 sessions, idle for 5m at most
HR_POOL_MAX must be an integer from 1 to 100000, not "many"; HR_POOL_TIMEOUT must be a duration of 0 or more, such as "30 seconds", 30000 (milliseconds) or "infinity", not "-1 minute"
*/
