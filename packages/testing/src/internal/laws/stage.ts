/** Plays one script on a pool, and looks at the laws after every step. */
import type { Connection } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { plainSettings, printCommand, printSettings, type Script } from "./command.ts"
import { betweenRests } from "./lendingLaws.ts"
import { Looker } from "./looker.ts"
import { remark } from "./observation.ts"
import { perform } from "./perform.ts"
import { Play, type Pool } from "./play.ts"
import { atRest, type Breach } from "./restLaws.ts"
import { seriesLeft } from "./seriesLaw.ts"
import type { Subject } from "./subject.ts"
import { complete, type World } from "./world.ts"

/** What came of a script. */
export interface Outcome {
  readonly breaches: ReadonlyArray<Breach>
  /** The script as it was played, up to the breach. */
  readonly lines: ReadonlyArray<string>
  /** What the pool and its callers were like after each step, for comparison with another run. */
  readonly trace: ReadonlyArray<string>
  readonly commands: number
}

/** Longer than anything may take once everything has been told to end. */
const untilTheEnd = 180_000

/** Plays a script from the making of the pool to the end of its scope. */
export const playScriptIn = <C extends Connection.Connection>(
  world: World,
  subject: Subject<C>,
  script: Script,
  options: { readonly isTraced: boolean; readonly onPool: (pool: Pool<C>) => void }
): Effect.Effect<Outcome, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const outer = yield* Effect.scope
    const bench = yield* complete(world, Scope.provide(subject.make, outer))
    const play = new Play(world, subject, bench, script.settings)
    options.onPool(yield* play.open)
    return yield* follow(play, script, options.isTraced)
  })

const follow = <C extends Connection.Connection>(
  play: Play<C>,
  script: Script,
  isTraced: boolean
): Effect.Effect<Outcome, unknown> =>
  Effect.gen(function*() {
    const { breaches, world } = play
    const looker = new Looker(play)
    const lines = [printSettings({ ...plainSettings, ...script.settings })]
    const trace: Array<string> = []
    let commands = 0
    yield* world.settle
    play.last = yield* looker.look(undefined)
    breaches.push(...atRest(play.last, play.last))
    for (const command of breaches.length === 0 ? script.commands : []) {
      const name = yield* perform(play, command)
      if (name === undefined) continue
      commands++
      const line = printCommand(command, name)
      lines.push(line)
      yield* world.settle
      const last = play.last
      const next = yield* looker.look(command)
      const came = remark(last, next)
      if (came !== "") lines[lines.length - 1] = `${line.padEnd(40)} // ${came}`
      if (isTraced) trace.push(traceOf(next))
      breaches.push(...atRest(last, next), ...betweenRests(last, next), ...yield* looker.violations)
      play.last = next
      if (breaches.length > 0) break
    }
    if (breaches.length === 0) {
      lines.push("close the pool's scope")
      breaches.push(...yield* end(play))
    }
    return { breaches, lines, trace, commands }
  })

/** All that a caller can notice, in one line. */
const traceOf = ({ requests, sessions, statistics }: Play<never>["last"] & {}): string => {
  const { busy, closing, idle, opening, pending, totals } = statistics
  return JSON.stringify([
    { busy, closing, idle, opening, pending, totals },
    sessions.map(({ number, openedAt, tag }) => [number, openedAt, tag]),
    requests.map(({ endedAt, failure, failureMessage, lent, name, stage }) => [
      name,
      stage,
      endedAt,
      failure,
      // Fibers are numbered through all runs.
      failureMessage.replaceAll(/fiber #\d+/g, "fiber"),
      lent?.session,
      lent?.at
    ])
  ])
}

/** Closes the scope and sees that nothing is left. */
const end = <C extends Connection.Connection>(play: Play<C>): Effect.Effect<ReadonlyArray<Breach>, unknown> =>
  Effect.gen(function*() {
    const { bench, callers, world } = play
    const scopes = [play.scope, ...play.twins]
    const closings = scopes.map((scope) => world.fork(Scope.close(scope, Exit.void)))
    const pass = world.advance === undefined ? world.settle : world.advance(untilTheEnd)
    yield* pass
    for (const caller of callers) caller.interrupt()
    if (world.advance === undefined) { for (const closing of closings) yield* Fiber.await(closing) }
    yield* pass
    play.stopListening()
    yield* world.settle
    const late = bench.server.lateBreaks === undefined ? [] : yield* bench.server.lateBreaks
    const problems = (yield* bench.server.imbalances).filter((problem) => !late.includes(problem))
    if (closings.some((closing) => closing.pollUnsafe() === undefined)) {
      problems.push("closing the pool's scope does not end")
    }
    const stuck = callers.filter((caller) => caller.isRunning)
    if (stuck.length > 0) problems.push(`${stuck.map(({ name }) => name).join(", ")} cannot be interrupted`)
    const breaches: Array<Breach> = [
      ...problems.map((problem) => ({ law: 4, problem })),
      ...late.map((problem) => ({ law: 13, problem: `the server saw that ${problem}` }))
    ]
    for (const caller of callers) {
      for (const { name } of caller.running) {
        breaches.push({ law: 13, problem: `the statement ${name} still runs, though the pool is gone` })
      }
    }
    const { totals } = yield* play.pool.statistics
    const left = [...world.leftovers(), ...world.metrics === undefined ? [] : seriesLeft(world.metrics(), totals)]
    return [...breaches, ...left.map((problem) => ({ law: 17, problem }))]
  })
