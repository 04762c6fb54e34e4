/** The doctor: runs every check in order, tells each finding as it is made, and judges the whole. */
import type * as PoolError from "@sessionpool/core/PoolError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Check, type Finding, runCheck } from "./finding.ts"
import * as Lease from "./leaseChecks.ts"
import * as LogOn from "./logOnChecks.ts"
import * as Pipelining from "./pipelineChecks.ts"
import { openPool, type Probe, type Target, versionOf } from "./probe.ts"
import * as Server from "./serverChecks.ts"
import * as Values from "./valueChecks.ts"

const beforeLogOn: ReadonlyArray<Check<Target>> = [LogOn.connectString, LogOn.logOn]

const afterLogOn: ReadonlyArray<Check<Probe>> = [
  LogOn.release,
  LogOn.tls,
  LogOn.proxy,
  Lease.ping,
  Lease.breakInTime,
  Lease.callTimeout,
  Lease.contextPutBack,
  Lease.tags,
  Lease.purity,
  Values.numberRoundTrip,
  Values.dateRoundTrip,
  Values.nls,
  Values.lobs,
  Pipelining.pipeline,
  Pipelining.pipelineBreak,
  Pipelining.pipelineTimeout,
  Lease.pooledServer,
  Lease.implicitPooling,
  Lease.drainNotices,
  Server.transactionGuard,
  Server.serverLimits,
  Server.profile,
  Server.missingGrants
]

/** How many checks there are, for showing progress. */
export const checkCount = beforeLogOn.length + afterLogOn.length

const limitMillis = 40_000

const notTried = (check: Check<Probe>): Finding => ({
  status: "skipped",
  found: "there is no session",
  advice: "Mend the log-on first.",
  check: check.title,
  area: check.area,
  millis: 0
})

/** Runs all checks; `tell` hears of each finding at once. Nothing that a check does makes this fail. */
export const examine = (
  target: Target,
  tell: (finding: Finding) => Effect.Effect<void>
): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function*() {
    const findings: Array<Finding> = []
    const add = (finding: Finding) => {
      findings.push(finding)
      return tell(finding)
    }
    const opening = Duration.toMillis(Duration.fromInputUnsafe(target.openTimeout))
    for (const check of beforeLogOn) yield* add(yield* runCheck(check, target, opening + limitMillis))
    if (findings.some(({ status }) => status === "failed")) {
      for (const check of afterLogOn) yield* add(notTried(check))
      return findings
    }
    const rest = Effect.scoped(Effect.gen(function*() {
      const pool = yield* openPool(target)
      const version = versionOf(yield* pool.use((connection) => connection.serverVersion))
      const probe: Probe = { target, pool, version, open: (options) => openPool(target, options) }
      for (const check of afterLogOn) yield* add(yield* runCheck(check, probe, limitMillis))
    }))
    yield* Effect.catch(rest, (error: PoolError.AcquireError | { readonly message: string }) =>
      add({
        status: "failed",
        found: error.message.split("\n")[0] ?? "",
        advice: "The database answered the first log-on and no longer does.",
        check: "a second log-on",
        area: "Connecting",
        millis: 0
      }))
    return findings
  })
