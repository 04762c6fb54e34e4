/** What a cluster relies on in its runner storage: who is there, and one holder for each shard. */
import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OracleRunnerStorage } from "@sessionpool/oracle"
import { Duration, Effect, Exit, Layer, Schedule, Scope } from "effect"
import { ShardingConfig } from "effect/cluster"
import { embedded, isReal } from "./database.ts"
import { openClient } from "./openClient.ts"

let prefixes = 0

type Kind = "lease" | "session"

const prepared = (expiration: Duration.Input = "1 minute", locks: Kind = "lease") =>
  Effect.gen(function*() {
    const { sql } = yield* openClient()
    const prefix = `sp_runners_${process.pid}_${++prefixes}`
    const layer = Layer.mergeAll(
      Layer.succeed(OracleClient.OracleClient, sql),
      ShardingConfig.layer({ shardLockExpiration: expiration, shardLockRefreshInterval: "10 seconds" })
    )
    yield* Effect.provide(Effect.scoped(Layer.build(OracleRunnerStorage.layerMigrations({ prefix }))), layer)
    yield* Effect.addFinalizer(() =>
      Effect.forEach(["runners", "locks", "runner_migrations"], (table) =>
        Effect.ignore(sql`drop table ${sql(`${prefix}_${table}`)}`), { discard: true })
    )
    /** A runner's process of its own. */
    const open = Effect.provide(OracleRunnerStorage.makeEncodedStorage({ prefix, locks }), layer)
    return { sql, prefix, open, storage: yield* open }
  })

describe("OracleRunnerStorage", () => {
  it.live("registers runners under numbers that stay, and tells their health", () =>
    Effect.gen(function*() {
      const { storage } = yield* prepared()
      const [first, second] = yield* Effect.all([
        storage.register("one:1", "{\"runner\":1}", true),
        storage.register("two:1", "{\"runner\":2}", true)
      ], { concurrency: 2 })
      assert.notStrictEqual(first, second)
      assert.strictEqual(yield* storage.register("one:1", "{\"runner\":1,\"again\":true}", true), first)
      yield* storage.setRunnerHealth("two:1", false)
      assert.sameDeepMembers(yield* storage.getRunners, [["{\"runner\":1,\"again\":true}", true], [
        "{\"runner\":2}",
        false
      ]])
      yield* storage.unregister("one:1")
      assert.deepStrictEqual(yield* storage.getRunners, [["{\"runner\":2}", false]])
    }))

  it.live.each<Kind>(["lease", "session"])(
    "lets one runner hold a shard, whoever asks at the same time (%s)",
    (kind) =>
      Effect.scoped(Effect.gen(function*() {
        const { storage } = yield* prepared("1 minute", kind)
        const shards = Array.from({ length: 12 }, (_, index) => `default:${index}`) as [string, ...Array<string>]
        const reversed = shards.toReversed() as [string, ...Array<string>]
        const [mine, theirs] = yield* Effect.all(
          [storage.acquire("one:1", shards), storage.acquire("two:1", reversed)],
          { concurrency: 2 }
        )
        assert.sameMembers([...mine, ...theirs], shards)
        assert.sameMembers([...yield* storage.refresh("one:1", shards)], mine)
        assert.sameMembers([...yield* storage.refresh("two:1", shards)], theirs)
        yield* storage.releaseAll("one:1")
        assert.sameMembers(yield* storage.acquire("two:1", shards), shards)
        yield* storage.release("two:1", "default:3")
        assert.deepStrictEqual(yield* storage.acquire("one:1", ["default:3", "default:4"]), ["default:3"])
      }))
  )

  it.live.each<Kind>(["lease", "session"])(
    "takes hundreds of shards at once, beside others that want the same (%s)",
    (kind) =>
      Effect.scoped(Effect.gen(function*() {
        const { storage } = yield* prepared("1 minute", kind)
        const shards = Array.from({ length: 250 }, (_, index) => `default:${index}`) as [string, ...Array<string>]
        const taken = yield* Effect.all(
          ["one:1", "two:1", "three:1"].map((address) => storage.acquire(address, shards)),
          { concurrency: 3 }
        )
        assert.lengthOf(taken.flat(), 250)
        assert.sameMembers(taken.flat(), shards)
      }))
  )

  it.live("gives a shard to another runner when it was not refreshed for long enough, and never sooner", () =>
    Effect.gen(function*() {
      const { storage } = yield* prepared("3 seconds")
      yield* storage.register("one:1", "one", true)
      assert.deepStrictEqual(yield* storage.acquire("one:1", ["default:1"]), ["default:1"])
      assert.deepStrictEqual(yield* storage.acquire("two:1", ["default:1"]), [])
      const taken = yield* storage.acquire("two:1", ["default:1"]).pipe(
        Effect.repeat({ until: (held) => held.length > 0, schedule: Schedule.spaced("50 millis") }),
        Effect.timed
      )
      assert.isAtLeast(Duration.toMillis(taken[0]), 1500)
      assert.deepStrictEqual(yield* storage.refresh("one:1", ["default:1"]), [])
      // A runner that was not heard of for as long is no runner any more; its heartbeat brings it back.
      yield* Effect.repeat(storage.getRunners, {
        until: (found) => found.length === 0,
        schedule: Schedule.spaced("50 millis")
      })
      yield* storage.refresh("one:1", [])
      assert.lengthOf(yield* storage.getRunners, 1)
    }))

  it.live("frees the session locks of a runner whose process ends, and gives its session to no other caller", () =>
    Effect.gen(function*() {
      const { open, sql, storage } = yield* prepared("1 minute", "session")
      const ending = yield* Scope.make()
      const other = yield* Scope.provide(open, ending)
      assert.deepStrictEqual(yield* other.acquire("two:1", ["default:1", "default:2"]), ["default:1", "default:2"])
      assert.deepStrictEqual(yield* storage.acquire("one:1", ["default:1"]), [])
      const before = yield* sql.pool.statistics
      yield* Scope.close(ending, Exit.void)
      assert.deepStrictEqual(yield* storage.acquire("one:1", ["default:1"]), ["default:1"])
      assert.strictEqual((yield* sql.pool.statistics).opened, before.opened - 1)
    }))

  it.live.skipIf(isReal)(
    "has lost all session locks with its session, and says so before it takes them anew",
    () =>
      Effect.gen(function*() {
        const { connect, server } = yield* embedded()
        const layer = Layer.mergeAll(OracleClient.layer({ ...connect, max: 4 }), ShardingConfig.layer())
        const context = yield* Layer.build(layer)
        const options = { locks: "session" } as const
        yield* Effect.provide(Layer.build(OracleRunnerStorage.layerMigrations(options)), context)
        const open = Effect.provide(OracleRunnerStorage.makeEncodedStorage(options), context)
        const [one, two] = yield* Effect.all([open, open])
        const shards = ["default:1", "default:2"] as const
        assert.deepStrictEqual(yield* one.acquire("one:1", [...shards]), [...shards])
        yield* server.killWhere(() => true)
        // The pool learns of its dead sessions from the calls that fail on them.
        const again = { times: 8 }
        assert.deepStrictEqual(yield* Effect.retry(two.acquire("two:1", ["default:2"]), again), ["default:2"])
        assert.deepStrictEqual(yield* Effect.retry(one.refresh("one:1", [...shards]), again), [])
        assert.deepStrictEqual(yield* Effect.retry(one.acquire("one:1", [...shards]), again), ["default:1"])
      })
  )
})
