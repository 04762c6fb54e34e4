/** The options of compaction: what each may be, and which of them must be longer than others. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { CompactionConfig } from "effect/eventlog/EventLogServerEncrypted"
import type { MigrationError } from "effect/sql/Migrator"
import { checkOptions, interval, refused } from "../cluster/storeOptions.ts"
import { duration, type Field, integer } from "../fieldKinds.ts"

const store = "OracleEventLogServer, compaction"

const fields: { readonly [Name in keyof CompactionConfig]: Field<CompactionConfig[Name]> } = {
  grace: interval,
  lag: duration,
  stageTtl: interval,
  thresholdFloor: integer(0, Number.MAX_SAFE_INTEGER),
  sweepInterval: interval
}

/** The options as a storage and the server work by them; those of upstream's storages are the defaults. */
export const compactionConfig = (given: unknown): Effect.Effect<CompactionConfig, MigrationError> =>
  Effect.flatMap(checkOptions<CompactionConfig>(store, fields, given), (options) => {
    const config: CompactionConfig = {
      grace: Duration.days(30),
      lag: Duration.hours(24),
      stageTtl: Duration.minutes(10),
      thresholdFloor: 1000,
      sweepInterval: Duration.hours(1),
      ...options
    }
    const shorter = (["lag", "stageTtl"] as const).filter((name) => !Duration.isGreaterThan(config.grace, config[name]))
    return shorter.length === 0
      ? Effect.succeed(config)
      : Effect.fail(refused(store, `grace must be longer than ${shorter.join(" and ")}`))
  })
