/** Draws scripts, plays them, and shrinks the first that breaks a law. */
import type { Connection, SessionPool } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import type { Script } from "./command.ts"
import type { Breach } from "./restLaws.ts"
import { scripts } from "./scripts.ts"
import { type Outcome, playScriptIn } from "./stage.ts"
import type { PreparationFailed, Subject } from "./subject.ts"
import type { Theme } from "./themes.ts"
import { live, RestlessError, virtual, type World, type WorldOptions } from "./world.ts"

/** How many scripts are played. */
interface SequenceOptions {
  readonly seed: number
  /** Where in the run of a seed to begin, as a failure has printed it. */
  readonly path: string | undefined
  readonly runs: number
  /** The most commands in a script. */
  readonly length: number
}

/** What was played. */
interface SequenceReport {
  readonly sequences: number
  readonly commands: number
}

/** The script that breaks a law. */
interface SequenceFailure {
  readonly breaches: ReadonlyArray<Breach>
  readonly lines: ReadonlyArray<string>
  readonly path: string | undefined
}

const tasksBetweenYields = 2048

/** Makes the world that a subject needs. */
export const worldFor = <C extends Connection.Connection>(
  subject: Subject<C>,
  options: WorldOptions
): World => subject.time === "virtual" ? virtual(options) : live(options, subject.time.settle)

/** Plays one script; where it sets the clock, once more without that. */
const playScript = <C extends Connection.Connection>(
  subject: Subject<C>,
  script: Script,
  seed: number
): Effect.Effect<Outcome> => {
  const outcome = playOnce(subject, script, seed)
  if (subject.time !== "virtual" || !setsClock(script)) return outcome
  return Effect.flatMap(outcome, (outcome) =>
    outcome.breaches.length > 0
      ? Effect.succeed(outcome)
      : Effect.map(playOnce(subject, withoutClocks(script), seed), (plain) => ({
        ...outcome,
        breaches: clockBreaches(outcome, plain)
      })))
}

const setsClock = (script: Script): boolean => script.commands.some(({ _tag }) => _tag === "SetClock")

/** The same script with a clock that is set by nothing: the same steps. */
const withoutClocks = (script: Script): Script => ({
  ...script,
  commands: script.commands.map((command) => command._tag === "SetClock" ? { ...command, millis: 0 } : command)
})

/** Law 16: durations do not depend on the wall clock, so it comes to the same. */
const clockBreaches = (outcome: Outcome, plain: Outcome): ReadonlyArray<Breach> => {
  const step = plain.trace.findIndex((line, index) => line !== outcome.trace[index])
  if (step < 0) return plain.breaches
  const line = outcome.lines[step + 1] ?? ""
  const usual = plain.lines[step + 1] ?? ""
  return [{
    law: 16,
    problem: line === usual
      ? `step ${step + 1} differs from the same script with a clock that is never set: ${outcome.trace[step]}, not ${
        plain.trace[step]
      }`
      : `with a clock that is never set, step ${step + 1} is: ${usual}`
  }]
}

const playOnce = <C extends Connection.Connection>(
  subject: Subject<C>,
  script: Script,
  seed: number
): Effect.Effect<Outcome> =>
  Effect.suspend(() => {
    let pool: SessionPool.SessionPool<C, PreparationFailed> | undefined
    const between: Array<Breach> = []
    // Between any two tasks too, the counts are right: no fiber ever sees half a step.
    const onTask = () => {
      if (pool === undefined || between.length > 0) return
      const { busy, idle, opened } = Effect.runSync(pool.statistics)
      if (opened !== busy + idle || busy < 0 || idle < 0) {
        between.push({ law: 2, problem: `in the middle of a step ${opened} are open, ${busy} busy and ${idle} idle` })
      }
    }
    const isShuffled = script.settings.tasks === "shuffled"
    const world = worldFor(subject, { seed, maxOps: tasksBetweenYields, isShuffled, onTask })
    const onPool = (made: typeof pool) => {
      pool = made
    }
    const play = playScriptIn(world, subject, script, { isTraced: setsClock(script), onPool })
    return Effect.scoped(play).pipe(
      Effect.map((outcome) => ({ ...outcome, breaches: [...between, ...outcome.breaches] })),
      Effect.catchDefect((defect) =>
        defect instanceof RestlessError
          ? Effect.succeed<Outcome>({
            breaches: [{ law: 5, problem: defect.message }],
            lines: [],
            trace: [],
            commands: 0
          })
          : Effect.die(defect)
      ),
      Effect.orDie
    )
  })

/** Plays scripts of a theme until one breaks a law. */
export const playMany = <C extends Connection.Connection>(
  subject: Subject<C>,
  theme: Theme,
  options: SequenceOptions
): Effect.Effect<SequenceReport, SequenceFailure> =>
  Effect.gen(function*() {
    let sequences = 0
    let commands = 0
    const abilities = {
      users: subject.otherAccounts.map(({ user }) => user),
      hasShards: subject.hasShards === true
    }
    const property = fc.asyncProperty(scripts(theme, abilities, options.length), async (script) => {
      const outcome = await Effect.runPromise(playScript(subject, script, options.seed))
      sequences++
      commands += outcome.commands
      return outcome.breaches.length === 0
    })
    const details = yield* Effect.promise(() =>
      fc.check(property, {
        seed: options.seed,
        numRuns: options.runs,
        ...(options.path === undefined ? {} : { path: options.path })
      })
    )
    if (!details.failed) return { sequences, commands }
    const script = details.counterexample?.[0]
    if (script === undefined) {
      return yield* Effect.die(details.errorInstance ?? new Error("the scripts could not be drawn"))
    }
    const outcome = yield* playScript(subject, script, options.seed)
    return yield* Effect.fail({
      breaches: outcome.breaches,
      lines: outcome.lines,
      path: details.counterexamplePath ?? undefined
    })
  })
