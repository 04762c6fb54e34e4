/** Who a session belongs to, and who is never given it, checked at the server. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted } from "effect"
import { isReal } from "./database.ts"
import { counts, type Pool, sidOf, until, watched } from "./watchedPool.ts"

const ada = { user: "ada", password: Redacted.make("ada-secret") }
const impostor = { user: "ada", password: Redacted.make("guessed") }

const who = (pool: Pool, request: NonNullable<Parameters<Pool["acquire"]>[0]>) =>
  pool.use(request, (held) =>
    Effect.gen(function*() {
      const [row] = yield* held.query(
        "select user as name, sys_context('userenv', 'proxy_user') as proxy from dual"
      )
      return { sid: yield* sidOf(held), name: row?.["NAME"], proxy: row?.["PROXY"] }
    }))

describe.skipIf(isReal)("identity", () => {
  it.live("keeps the sessions of users and of proxies apart, and each warm", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ homogeneous: false })
      const own = yield* who(pool, {})
      const hers = yield* who(pool, ada)
      const proxied = yield* who(pool, { user: "hr" })
      assert.deepInclude(own, { name: "SCOTT", proxy: null })
      assert.deepInclude(hers, { name: "ADA", proxy: null })
      assert.deepInclude(proxied, { name: "HR", proxy: "SCOTT" })
      assert.strictEqual((yield* who(pool, {})).sid, own.sid)
      assert.strictEqual((yield* who(pool, ada)).sid, hers.sid)
      assert.strictEqual((yield* who(pool, { user: "hr" })).sid, proxied.sid)
      assert.strictEqual((yield* server.counters).logons, 3)
    }))

  it.live("lends an idle session to no wrong password, and asks the server about one only once", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ homogeneous: false }, { failedLoginAttempts: 3 })
      const hers = yield* who(pool, ada)
      for (let attempt = 0; attempt < 20; attempt++) {
        const refused = yield* Effect.flip(who(pool, impostor))
        assert.isTrue(refused._tag === "OpenSessionError" && refused.isAuthentication)
      }
      assert.strictEqual((yield* server.counters).failedLogons, 1)
      assert.strictEqual((yield* who(pool, ada)).sid, hers.sid)
      // Her account is not locked: she can still open another session.
      const both = yield* Effect.all([pool.acquire(ada), pool.acquire(ada)])
      assert.notStrictEqual(yield* sidOf(both[0]), yield* sidOf(both[1]))
    }))

  it.live("gives a session that comes back to nobody who waits with a wrong password", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ homogeneous: false, max: 1 })
      const held = yield* pool.acquire(ada)
      const sid = yield* sidOf(held)
      const waiting = yield* Effect.forkChild(Effect.flip(who(pool, impostor)))
      yield* counts(pool, { pending: 1 })
      yield* pool.release(held)
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "OpenSessionError")
      assert.isAtMost((yield* server.counters).failedLogons, 1)
      assert.notStrictEqual((yield* who(pool, ada)).sid, sid)
    }))

  it.live("makes room at max for another user, in place of an idle session", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ homogeneous: false, max: 1 })
      yield* who(pool, {})
      assert.deepInclude(yield* who(pool, ada), { name: "ADA" })
      yield* until(Effect.map(server.sessions, (sessions) => sessions.length === 1 && sessions[0]?.user === "ADA"))
    }))

  it.live("with purity new is a session that nobody has held", () =>
    Effect.gen(function*() {
      const { pool, sids } = yield* watched({ max: 2 })
      const leaves = (request: { readonly purity?: "new" }) =>
        pool.use(request, (held) =>
          Effect.gen(function*() {
            // What statements change stays on a session.
            const [row] = yield* held.query("select sessiontimezone as zone from dual")
            yield* held.execute("alter session set time_zone = '+05:00'")
            return { sid: yield* sidOf(held), found: row?.["ZONE"] === "+05:00" ? "held" : null }
          }))
      const first = yield* leaves({})
      assert.deepStrictEqual(yield* leaves({}), { sid: first.sid, found: "held" })
      const second = yield* leaves({ purity: "new" })
      const third = yield* leaves({ purity: "new" })
      assert.deepStrictEqual([first.found, second.found, third.found], [null, null, null])
      assert.strictEqual(new Set([first.sid, second.sid, third.sid]).size, 3)
      yield* until(Effect.map(sids, ({ length }) => length === 2))
    }))
})

describe.skipIf(isReal)("shards", () => {
  const sharded = (max: number, maxSessionsPerShard: number) =>
    watched({ max, maxSessionsPerShard }, {
      instances: [{ name: "catalog" }, { name: "east" }, { name: "west" }],
      route: ({ shardingKey }) => shardingKey === undefined ? undefined : shardingKey < "n" ? "east" : "west"
    })

  const instance = (pool: Pool, shardingKey: string) =>
    pool.use({ shardingKey }, (held) =>
      Effect.map(
        held.query("select sys_context('userenv', 'instance_name') as name from dual"),
        ([row]) => String(row?.["NAME"]).toLowerCase()
      ))

  it.live("are reached by redirect, and their sessions found again", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* sharded(4, 0)
      assert.strictEqual(yield* instance(pool, "ada"), "east")
      assert.strictEqual(yield* instance(pool, "zoe"), "west")
      assert.strictEqual(yield* instance(pool, "ada"), "east")
      const sessions = yield* server.sessions
      assert.sameMembers(sessions.map((session) => `${session.instance} ${session.shardingKey}`), [
        "east ada",
        "west zoe"
      ])
      assert.isAtLeast((yield* server.counters).redirected, 2)
    }))

  it.live("are bounded each for itself", () =>
    Effect.gen(function*() {
      const { pool } = yield* sharded(4, 1)
      const held = yield* pool.acquire({ shardingKey: "ada" })
      const waiting = yield* Effect.forkChild(pool.use({ shardingKey: "ada" }, sidOf))
      yield* counts(pool, { pending: 1 })
      assert.strictEqual(yield* instance(pool, "zoe"), "west")
      assert.strictEqual((yield* pool.statistics).pending, 1)
      const sid = yield* sidOf(held)
      yield* pool.release(held)
      assert.strictEqual(yield* Fiber.join(waiting), sid)
    }))
})
