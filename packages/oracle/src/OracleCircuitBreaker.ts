/**
 * The store of Effect's circuit breaker in a table of Oracle: when a service fails for one process, all processes stop calling
 * it, and one call of one process finds out whether it is back.
 *
 * What becomes of a call is recorded in a transaction of its own, also inside one of the caller's: a rollback does not undo it.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import type * as Scope from "effect/Scope"
import type { MigrationError } from "effect/sql/Migrator"
import type { SqlError } from "effect/sql/SqlError"
import { randomInt } from "node:crypto"
import { admit, type Circuit, record, renew } from "./internal/cluster/circuits.ts"
import { openStates } from "./internal/cluster/lockedState.ts"
import { checkOptions, interval, nameBefore } from "./internal/cluster/storeOptions.ts"
import type { OracleClient } from "./OracleClient.ts"

/**
 * Options of the store.
 *
 * **Details**
 *
 * - `tableName`: default `effect_circuit`.
 * - `probeLease`: how long the call that tries a half-open circuit keeps others from trying; it is renewed while the call runs.
 *   Default 10 seconds.
 * - `idleTimeToLive`: how long a circuit that is not used is remembered; default 1 hour.
 *
 * @category models
 * @since 0.2.0
 */
export interface StoreOptions {
  readonly tableName?: string | undefined
  readonly probeLease?: Duration.Input | undefined
  readonly idleTimeToLive?: Duration.Input | undefined
}

const failure = (what: string) => (cause: SqlError) =>
  new CircuitBreaker.CircuitBreakerError({
    reason: new CircuitBreaker.CircuitBreakerStoreError({
      message: `The circuit breaker's table could not ${what}`,
      cause
    })
  })

/** A number that no earlier generation of any circuit has had, as far as chance allows: 48 bits. */
const newGeneration = (): number => randomInt(2 ** 47)

/**
 * The store; its table is created before, and circuits that have expired are deleted every five minutes.
 *
 * **When to use**
 *
 * Use where the store is made in a scope of your own; {@link layerStore} is the same as a layer.
 *
 * @category constructors
 * @since 0.2.0
 */
export const makeStore: (
  options?: StoreOptions
) => Effect.Effect<
  CircuitBreaker.CircuitBreakerStore["Service"],
  MigrationError | SqlError,
  OracleClient | Scope.Scope
> = Effect.fnUntraced(function*(options?: StoreOptions) {
  const { idleTimeToLive = Duration.hours(1), probeLease = Duration.seconds(10), tableName = "effect_circuit" } =
    yield* checkOptions(
      "OracleCircuitBreaker",
      { tableName: nameBefore("_migrations_lock"), probeLease: interval, idleTimeToLive: interval },
      options
    )
  const lifetimes = { probeMillis: Duration.toMillis(probeLease), idleMillis: Duration.toMillis(idleTimeToLive) }
  const states = yield* openStates<Circuit>("OracleCircuitBreaker", tableName)
  const idOf = (key: string) => `circuit:${key}`

  /** Holds the place of a probe until it ends, or until it is lost. */
  const holdPlace = (key: string, generation: number) =>
    states.change(idOf(key), (circuit, now) => renew(circuit, now, generation, lifetimes)).pipe(
      Effect.catch((error) => Effect.as(Effect.logWarning("The lease of a probe could not be renewed", error), true)),
      Effect.delay(lifetimes.probeMillis / 3),
      Effect.repeat({ while: (isHeld) => isHeld })
    )

  return CircuitBreaker.CircuitBreakerStore.of({
    admit: (key) =>
      Effect.gen(function*() {
        const verdict = yield* states.change(
          idOf(key),
          (circuit, now) => admit(circuit, now, newGeneration(), lifetimes)
        )
          .pipe(
            Effect.mapError(failure("admit a call"))
          )
        switch (verdict._tag) {
          case "Open":
            return yield* new CircuitBreaker.CircuitBreakerError({
              reason: new CircuitBreaker.CircuitOpen({ key, retryAfter: Duration.millis(verdict.retryAfterMillis) })
            })
          case "HalfOpen":
            return yield* new CircuitBreaker.CircuitBreakerError({
              reason: new CircuitBreaker.CircuitHalfOpen({ key })
            })
          case "Admitted": {
            if (verdict.isProbe) yield* Effect.forkScoped(holdPlace(key, verdict.generation))
            return {
              generation: verdict.generation,
              probe: verdict.isProbe,
              consecutiveOpenings: verdict.openings,
              transition: verdict.hasHalfOpened ? { key, from: "Open" as const, to: "HalfOpen" as const } : undefined
            }
          }
        }
      }),
    record: ({ generation, key, openFor, outcome, tripPolicy }) =>
      states.change(idOf(key), (circuit, now) =>
        record(circuit, now, {
          generation,
          nextGeneration: newGeneration(),
          outcome,
          policy: tripPolicy,
          openForMillis: Duration.toMillis(openFor)
        }, lifetimes)).pipe(
          Effect.map((change): CircuitBreaker.Transition | undefined =>
            change === undefined
              ? undefined
              : change._tag === "Closed"
              ? { key, from: "HalfOpen", to: "Closed" }
              : { key, from: change.from, to: "Open", retryAfter: openFor, consecutiveOpenings: change.openings }
          ),
          Effect.mapError(failure("record how a call ended"))
        ),
    state: (key) =>
      states.look(idOf(key), (circuit, now): CircuitBreaker.State => {
        switch (circuit?.state) {
          case "Open":
            return {
              _tag: "Open",
              key,
              retryAfter: Duration.millis(Math.max(0, circuit.openUntil - now)),
              consecutiveOpenings: circuit.openings
            }
          case "HalfOpen":
            return { _tag: "HalfOpen", key, probing: circuit.probeUntil > now, consecutiveOpenings: circuit.openings }
          default:
            return { _tag: "Closed", key }
        }
      }).pipe(Effect.mapError(failure("tell the state")))
  })
})

/**
 * The store as a layer, for circuit breakers that processes share.
 *
 * **When to use**
 *
 * Use it under `CircuitBreaker.layer`, where more than one process calls a service that may fail. A single process needs no table.
 *
 * **Example** (Circuits in the database)
 *
 * ```ts
 * import { OracleCircuitBreaker, OracleClient } from "@sessionpool/oracle"
 * import { Layer } from "effect"
 *
 * const circuits = OracleCircuitBreaker.layerStore({ probeLease: "5 seconds" }).pipe(
 *   Layer.provide(OracleClient.layer({ connectString: "localhost/FREEPDB1", user: "scott" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layerStore = (
  options?: StoreOptions
): Layer.Layer<CircuitBreaker.CircuitBreakerStore, MigrationError | SqlError, OracleClient> =>
  Layer.effect(CircuitBreaker.CircuitBreakerStore, makeStore(options))
