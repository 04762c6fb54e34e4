/**
 * Defects in a driver: any function of it can be told to throw, or its effect to die, for some times. It knows no database, so it
 * serves every driver.
 */
import type { Connection, SessionDriver } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import type { Defect, DriverFunction } from "./trouble.ts"

/** What a function that was told to go wrong dies with. */
class Sabotaged extends Error {
  override readonly name = "Sabotaged"
  readonly _tag = "Sabotaged"
}

/** Counts the times that functions are still to go wrong. */
export class Faults<Name extends string> {
  readonly #armed = new Map<Name, { readonly how: Defect; times: number }>()

  /** Lets the next `times` calls of a function go wrong. */
  arm(name: Name, how: Defect, times: number): void {
    this.#armed.set(name, { how, times })
  }

  heal(): void {
    this.#armed.clear()
  }

  #next(name: Name): Defect | undefined {
    const armed = this.#armed.get(name)
    if (armed === undefined || armed.times === 0) return undefined
    armed.times--
    return armed.how
  }

  /** Calls a function that answers at once. */
  call<A>(name: Name, f: () => A): A {
    if (this.#next(name) !== undefined) throw new Sabotaged(`${name} was told to throw`)
    return f()
  }

  /** Calls a function that answers with an effect. */
  run<A>(name: Name, f: () => A): A | Effect.Effect<never> {
    const how = this.#next(name)
    if (how === "throw") throw new Sabotaged(`${name} was told to throw`)
    return how === "die" ? Effect.die(new Sabotaged(`${name} was told to die`)) : f()
  }
}

/**
 * The driver, with `faults` in front of each of its functions. A forced close is left as it is: when that does not work, no pool can
 * close the session.
 */
export const withFaults = <S, C extends Connection.Connection, E>(
  driver: SessionDriver.SessionDriver<S, C, E>,
  faults: Faults<DriverFunction>
): SessionDriver.SessionDriver<S, C, E> => ({
  ...driver,
  open: (...given) => faults.run("open", () => driver.open(...given)),
  close: (session, options) =>
    options.force ? driver.close(session, options) : faults.run("close", () => driver.close(session, options)),
  ping: (...given) => faults.run("ping", () => driver.ping(...given)),
  reset: (...given) => faults.run("reset", () => driver.reset(...given)),
  interrupt: (...given) => faults.run("interrupt", () => driver.interrupt(...given)),
  isHealthy: (...given) => faults.call("isHealthy", () => driver.isHealthy(...given)),
  isAuthenticationFailure: (...given) =>
    faults.call("isAuthenticationFailure", () => driver.isAuthenticationFailure(...given)),
  lease: (...given) => faults.call("lease", () => driver.lease(...given)),
  attributes: (...given) => faults.call("attributes", () => driver.attributes?.(...given) ?? {})
})
