/** The cluster: its storages in Oracle, and the address of this process in it. Runners reach each other by the tables alone. */
import { OracleClient, OracleMessageStorage, OracleMigrator, OracleRunnerStorage } from "@sessionpool/oracle"
import { Config, Effect, Layer, Option } from "effect"
import { ClusterWorkflowEngine, RunnerAddress, RunnerHealth, Runners, Sharding, ShardingConfig } from "effect/cluster"
import { Digest } from "effect/crypto"
import { migrations } from "./Warehouse.ts"

/** The database that `ORACLE_CONNECT_STRING`, `ORACLE_USER` and `ORACLE_PASSWORD` name. */
export const client = Layer.unwrap(Effect.map(
  Config.all({
    connectString: Config.String("ORACLE_CONNECT_STRING"),
    user: Config.String("ORACLE_USER"),
    password: Config.Redacted("ORACLE_PASSWORD")
  }),
  (connect) => OracleClient.layer({ ...connect, max: 6 })
))

/** The engine of workflows. With a number this process is a runner, without one it only sends work. */
export const engine = (runner?: number) =>
  ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(Sharding.layer),
    Layer.provide(Runners.layerNoop),
    Layer.provide(OracleMessageStorage.layer),
    Layer.provide([OracleRunnerStorage.layerWith({ locks: "session" }), RunnerHealth.layerNoop]),
    Layer.provide(ShardingConfig.layer({
      runnerAddress: runner === undefined ? Option.none() : Option.some(RunnerAddress.make("orders", runner)),
      shardsPerGroup: 12,
      // A runner that is killed counts as there for this long; 35 seconds by default.
      shardLockExpiration: "9 seconds",
      shardLockRefreshInterval: "3 seconds",
      refreshAssignmentsInterval: "500 millis",
      entityMessagePollInterval: "250 millis",
      entityReplyPollInterval: "200 millis"
    })),
    Layer.provide(Digest.layerWebCrypto),
    Layer.provideMerge(OracleMigrator.layer({ loader: migrations, table: "warehouse_migrations" }))
  )
