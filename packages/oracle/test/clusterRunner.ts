/**
 * What the runners of `cluster.test.ts` and of `npm run cluster` serve, and how they are put together. Runners reach each other by the storages alone: no
 * transport stands between them, so whatever arrives has been in the tables.
 */
import { OracleClient, OracleMessageStorage, OracleRunnerStorage } from "@sessionpool/oracle"
import { Effect, Layer, Option, type Redacted, Schema } from "effect"
import {
  ClusterSchema,
  ClusterWorkflowEngine,
  Entity,
  RunnerAddress,
  RunnerHealth,
  Runners,
  Sharding,
  ShardingConfig
} from "effect/cluster"
import { Digest } from "effect/crypto"
import { Rpc } from "effect/rpc"
import { Activity, DurableClock, Workflow } from "effect/workflow"

/**
 * Pays once for each payment's name; answers with the number of the runner that paid. Payment and reply are one transaction: a runner
 * that is too slow, and loses a shard while it pays, pays nothing.
 */
export const Account = Entity.make("Account", [
  Rpc.make("pay", {
    payload: { payment: Schema.String },
    primaryKey: ({ payment }) => payment,
    success: Schema.Number
  })
]).annotateRpcs(ClusterSchema.Persisted, true).annotateRpcs(ClusterSchema.WithTransaction, true)

/** Reserves, sleeps, charges. */
export const Order = Workflow.make("Order", {
  payload: { id: Schema.String },
  idempotencyKey: ({ id }) => id,
  success: Schema.String
})

/** What was done, and by which runner: a row each. */
export const doneTable = (prefix: string) => `${prefix}_done`

const done = (prefix: string, what: string, runner: number) =>
  Effect.flatMap(
    OracleClient.OracleClient,
    (sql) => sql`insert into ${sql(doneTable(prefix))} (what, runner) values (${what}, ${runner})`
  ).pipe(Effect.orDie)

const accounts = (prefix: string, runner: number) =>
  Account.toLayer({
    pay: ({ payload }) => Effect.as(done(prefix, payload.payment, runner), runner)
  })

const orders = (prefix: string, runner: number) => {
  const step = (id: string, name: string) =>
    Activity.make({ name, success: Schema.String, execute: Effect.as(done(prefix, `${name} ${id}`, runner), name) })
  return Order.toLayer(({ id }) =>
    Effect.gen(function*() {
      const reserved = yield* step(id, "reserve")
      yield* DurableClock.sleep({ name: "cooling", duration: "2 seconds", inMemoryThreshold: 0 })
      return `${id}: ${reserved}, ${yield* step(id, "charge")}`
    })
  )
}

/** Where a cluster lives. */
export interface Place {
  readonly connectString: string
  readonly user: string
  readonly password: Redacted.Redacted<string>
  readonly prefix: string
  readonly locks: "lease" | "session"
}

/** Sharding over the two storages; without a number it is a client that holds no shards. */
export const sharding = ({ locks, prefix, ...connect }: Place, runner?: number) =>
  ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(Sharding.layer),
    Layer.provide(Runners.layerNoop),
    Layer.provideMerge(OracleMessageStorage.layerWith({ prefix })),
    Layer.provide([OracleRunnerStorage.layerWith({ prefix, locks }), RunnerHealth.layerNoop]),
    Layer.provide(ShardingConfig.layer({
      runnerAddress: runner === undefined ? Option.none() : Option.some(RunnerAddress.make("runner", runner)),
      shardsPerGroup: 6,
      shardLockRefreshInterval: "4 seconds",
      shardLockExpiration: "12 seconds",
      refreshAssignmentsInterval: "500 millis",
      entityMessagePollInterval: "250 millis",
      entityReplyPollInterval: "100 millis",
      entityTerminationTimeout: "1 second"
    })),
    Layer.provide(Digest.layerWebCrypto),
    Layer.provideMerge(OracleClient.layer({ ...connect, max: 6 }))
  )

/** A runner that serves accounts and orders. */
export const runner = (place: Place, number: number) =>
  Layer.mergeAll(accounts(place.prefix, number), orders(place.prefix, number)).pipe(
    Layer.provide(sharding(place, number))
  )
