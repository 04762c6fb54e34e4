/** Checks of the driver's pipelines, with an error, a time limit and a break in the middle of one. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { OracleConnection } from "../../OracleConnection.ts"
import { driver, type Pipeline } from "../oracledb.ts"
import { type Check, failed, ok, type Outcome, skipped } from "./finding.ts"
import { type Probe, sidOf } from "./probe.ts"

const run = (connection: OracleConnection, fill: (pipeline: Pipeline) => void) =>
  connection.driver(async (driverConnection) => {
    const { Pipeline } = driver
    if (Pipeline === undefined || driverConnection.runPipeline === undefined) {
      throw new Error("this release of the driver has no pipelines")
    }
    const pipeline = new Pipeline()
    fill(pipeline)
    return await driverConnection.runPipeline(pipeline, true)
  })

const advice = "Leave the option `pipelining` off: statements then go one by one, with the same values."

const needed = (probe: Probe, check: Effect.Effect<Outcome, unknown>): Effect.Effect<Outcome, unknown> =>
  probe.version[0] < 23
    ? Effect.succeed(skipped(`release ${probe.version.join(".")}; pipelines need 23`, advice))
    : !driver.thin
    ? Effect.succeed(skipped("Thick mode has no pipelines", advice))
    : check

export const pipeline: Check<Probe> = {
  title: "a pipeline with an error in the middle",
  area: "Pipelining",
  advice,
  run: (probe) =>
    needed(
      probe,
      probe.pool.use((connection) =>
        Effect.gen(function*() {
          const results = yield* run(connection, (pipeline) => {
            pipeline.addFetchAll("select 1 from dual", [], {})
            pipeline.addFetchAll("select 1 / 0 from dual", [], {})
            pipeline.addFetchAll("select 3 from dual", [], {})
          })
          const errors = results.map(({ error }) => error instanceof Error ? error.message.slice(0, 9) : undefined)
          return errors[0] === undefined && errors[1] === "ORA-01476" && errors[2] === undefined
            ? ok("the others went on; the error is its own statement's")
            : failed(`three statements gave ${JSON.stringify(errors)}`, advice)
        })
      )
    )
}

/** A pipeline that takes long, and what the next lease finds after it was ended by `end`. */
const ended = (probe: Probe, end: "break" | "timeout"): Effect.Effect<Outcome, unknown> =>
  Effect.gen(function*() {
    const before = yield* probe.pool.use(sidOf)
    const long = probe.pool.use((connection) =>
      Effect.gen(function*() {
        if (end === "timeout") yield* connection.setCallTimeout("500 millis")
        return yield* run(connection, (pipeline) => {
          pipeline.addFetchAll("select 1 from dual", [], {})
          pipeline.addExecute("begin dbms_session.sleep(20); end;", [], {})
          pipeline.addFetchAll("select 3 from dual", [], {})
        })
      })
    )
    const running = yield* Effect.forkChild(Effect.exit(long))
    yield* Effect.sleep(end === "break" ? "500 millis" : "1 second")
    const began = yield* Clock.currentTimeMillis
    yield* end === "break" ? Fiber.interrupt(running) : Fiber.join(running)
    const after = yield* probe.pool.use(sidOf)
    const took = (yield* Clock.currentTimeMillis) - began
    const session = before === after ? "the session is reused" : "the session was replaced"
    return took < 6000 ? ok(`${took} ms, ${session}`) : failed(`${took} ms, ${session}`, advice)
  })

export const pipelineBreak: Check<Probe> = {
  title: "a break in a pipeline",
  area: "Pipelining",
  advice,
  run: (probe) => needed(probe, ended(probe, "break"))
}

export const pipelineTimeout: Check<Probe> = {
  title: "a time limit in a pipeline",
  area: "Pipelining",
  advice,
  run: (probe) => needed(probe, ended(probe, "timeout"))
}
