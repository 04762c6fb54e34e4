/** Draws scripts, plays them, and shrinks the first that breaks a law. */
import type { Connection, SessionPool } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import type { Script } from "./command.ts"
import type { Breach } from "./restLaws.ts"
import { scripts, type Theme } from "./scripts.ts"
import { type Outcome, Stage } from "./stage.ts"
import type { PreparationFailed, Subject } from "./subject.ts"
import { live, RestlessError, virtual, type World } from "./world.ts"

/** How many scripts are played. */
export interface SequenceOptions {
  readonly seed: number
  /** Where in the run of a seed to begin, as a failure has printed it. */
  readonly path: string | undefined
  readonly runs: number
  /** The most commands in a script. */
  readonly length: number
}

/** What was played. */
export interface SequenceReport {
  readonly sequences: number
  readonly commands: number
}

/** The script that breaks a law. */
export interface SequenceFailure {
  readonly breaches: ReadonlyArray<Breach>
  readonly lines: ReadonlyArray<string>
  readonly path: string | undefined
}

const tasksBetweenYields = 2048

/** Makes the world that a subject needs. */
export const worldFor = <C extends Connection.Connection>(
  subject: Subject<C>,
  options: { readonly seed: number; readonly maxOps: number; readonly onTask?: (() => void) | undefined }
): World => subject.time === "virtual" ? virtual(options) : live(options, subject.time.settle)

/** Plays one script. */
export const playScript = <C extends Connection.Connection>(
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
    const world = worldFor(subject, { seed, maxOps: tasksBetweenYields, onTask })
    const play = Stage.play(world, subject, script, (made) => {
      pool = made
    })
    return Effect.scoped(play).pipe(
      Effect.map((outcome) => ({ ...outcome, breaches: [...between, ...outcome.breaches] })),
      Effect.catchDefect((defect) =>
        defect instanceof RestlessError
          ? Effect.succeed<Outcome>({ breaches: [{ law: 5, problem: defect.message }], lines: [], commands: 0 })
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
