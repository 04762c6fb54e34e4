/** What the pool promises of its size, its queue and its tags, over a socket, checked at the server. */
import { assert, describe, it } from "@effect/vitest"
import type { OracleSessionPool } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Effect, Fiber } from "effect"
import { isReal } from "./database.ts"
import { counts, nothingLeft, type Pool, sidOf, until, watched } from "./watchedPool.ts"

const dateFormat = "select value from nls_session_parameters where parameter = 'NLS_DATE_FORMAT'"

const formats: { readonly [dates: string]: string } = { ISO: "YYYY-MM-DD", US: "MM/DD/YYYY" }

/** Puts a session in the state that its tag names, and counts how often. */
const dated = () => {
  const prepared: Array<string | undefined> = []
  const options: Partial<OracleSessionPool.Options> = {
    onSession: (held, { requestedTag }) =>
      Effect.gen(function*() {
        prepared.push(requestedTag)
        const format = formats[/DATES=(\w+)/.exec(requestedTag ?? "")?.[1] ?? ""] ?? "DD-MON-RR"
        yield* held.execute(`alter session set nls_date_format = '${format}'`)
        yield* held.setTag(requestedTag)
      })
  }
  return { options, prepared }
}

const look = (pool: Pool, request: Parameters<Pool["acquire"]>[0]) =>
  pool.use(request ?? {}, (held) =>
    Effect.gen(function*() {
      const [row] = yield* held.query(dateFormat)
      return { sid: yield* sidOf(held), format: row?.["VALUE"], tag: held.tag }
    }))

describe.skipIf(isReal)("size", () => {
  it.live("is min from the start, grows by increment and never beyond max", () =>
    Effect.gen(function*() {
      const { pool, server, sids } = yield* watched({ min: 2, max: 5, increment: 2 })
      yield* until(Effect.map(sids, ({ length }) => length === 2))
      const held = yield* Effect.replicateEffect(pool.acquire(), 3)
      yield* counts(pool, { opened: 4, opening: 0 })
      assert.lengthOf(yield* sids, 4)
      yield* pool.acquire()
      yield* pool.acquire()
      const waiting = yield* Effect.forkChild(pool.use(sidOf))
      yield* counts(pool, { pending: 1, opened: 5 })
      assert.lengthOf(yield* sids, 5)
      const sid = yield* sidOf(held[0]!)
      yield* pool.release(held[0]!)
      assert.strictEqual(yield* Fiber.join(waiting), sid)
      assert.strictEqual((yield* server.counters).logons, 5)
    }))

  it.live("is exceeded by forceGet only, and only until the sessions come back", () =>
    Effect.gen(function*() {
      const { pool, sids } = yield* watched({ max: 1, getMode: "noWait" })
      const first = yield* pool.acquire()
      assert.strictEqual((yield* Effect.flip(pool.use((held) => held.ping)))._tag, "PoolExhaustedError")
      yield* pool.reconfigure({ getMode: "forceGet" })
      const second = yield* pool.acquire()
      assert.notStrictEqual(yield* sidOf(second), yield* sidOf(first))
      assert.lengthOf(yield* sids, 2)
      yield* pool.release(first)
      yield* pool.release(second)
      yield* until(Effect.map(sids, ({ length }) => length === 1))
    }))

  it.live("is none of the asker's business: who gives up does not undo the opening", () =>
    Effect.gen(function*() {
      const { pool, server, sids } = yield* watched({ max: 1 })
      yield* server.inject(Fault.delay({ on: "authPhaseOne", milliseconds: 200 }))
      const asker = yield* Effect.forkChild(pool.use((held) => held.ping))
      yield* counts(pool, { opening: 1, pending: 1 })
      const next = yield* Effect.forkChild(pool.use(sidOf))
      yield* counts(pool, { opening: 1, pending: 2 })
      yield* Fiber.interrupt(asker)
      const sid = yield* Fiber.join(next)
      assert.deepStrictEqual(yield* sids, [sid])
      assert.strictEqual((yield* server.counters).connections, 1)
    }))
})

describe.skipIf(isReal)("the queue", () => {
  it.live("serves in the order of arrival, past those who left", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      const held = yield* pool.acquire()
      const served: Array<string> = []
      const fibers = yield* Effect.forEach(["first", "second", "third", "fourth"], (name, index) =>
        Effect.tap(
          Effect.forkChild(pool.use((lent) => Effect.andThen(Effect.sync(() => served.push(name)), lent.ping))),
          () => counts(pool, { pending: index + 1 })
        ))
      yield* Fiber.interrupt(fibers[1]!)
      const before = (yield* server.counters).roundTrips
      yield* pool.release(held)
      yield* Fiber.joinAll(fibers.filter((_, index) => index !== 1))
      assert.deepStrictEqual(served, ["first", "third", "fourth"])
      assert.strictEqual((yield* server.counters).roundTrips - before, 3)
    }))

  it.live("says with a timeout who holds what", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 1, getMode: "timedWait", waitTimeout: "100 millis" })
      // Its own limit: on a busy machine, connecting takes longer than the one that is tested.
      yield* pool.acquire({ waitTimeout: "1 minute" })
      const error = yield* Effect.flip(pool.use((held) => held.ping))
      assert.strictEqual(error._tag, "AcquireTimeoutError")
      assert.match(error.message, /1 busy of 1 open.*itself holds session 1/s)
    }))
})

describe.skipIf(isReal)("tags", () => {
  it.live("(1) name a state that is really there, prepared once, whatever their order", () =>
    Effect.gen(function*() {
      const { options, prepared } = dated()
      const { pool } = yield* watched({ max: 3, ...options })
      const iso = yield* look(pool, { tag: "DATES=ISO;LANG=FR" })
      const us = yield* look(pool, { tag: "DATES=US" })
      assert.deepInclude(iso, { format: "YYYY-MM-DD", tag: "DATES=ISO;LANG=FR" })
      assert.deepInclude(us, { format: "MM/DD/YYYY", tag: "DATES=US" })
      assert.notStrictEqual(iso.sid, us.sid)
      assert.deepInclude(yield* look(pool, { tag: "LANG=FR;DATES=ISO" }), { format: iso.format, sid: iso.sid })
      assert.deepInclude(yield* look(pool, { tag: "DATES=US" }), { format: us.format, sid: us.sid })
      assert.lengthOf(prepared, 2)
    }))

  it.live("(2) else an untagged session is prepared, (4) else a new one; without a tag never a tagged one", () =>
    Effect.gen(function*() {
      const { options, prepared } = dated()
      const { pool, server } = yield* watched({ max: 3, ...options })
      const plain = yield* look(pool, {})
      assert.strictEqual((yield* look(pool, { tag: "DATES=ISO" })).sid, plain.sid)
      const second = yield* look(pool, {})
      assert.deepInclude(second, { format: "DD-MON-RR", tag: undefined })
      assert.notStrictEqual(second.sid, plain.sid)
      assert.strictEqual((yield* look(pool, { tag: "DATES=US" })).sid, second.sid)
      assert.notInclude([plain.sid, second.sid], (yield* look(pool, { tag: "DATES=US;LANG=FR" })).sid)
      assert.deepStrictEqual(prepared, [undefined, "DATES=ISO", undefined, "DATES=US", "DATES=US;LANG=FR"])
      assert.strictEqual((yield* server.counters).logons, 3)
    }))

  it.live("(3) with matchAnyTag, else the session that shares most is prepared further", () =>
    Effect.gen(function*() {
      const { options, prepared } = dated()
      const { pool } = yield* watched({ max: 4, ...options })
      yield* look(pool, { tag: "DATES=US" })
      const near = yield* look(pool, { tag: "DATES=ISO;LANG=FR" })
      const got = yield* look(pool, { tag: "DATES=ISO;LANG=DE", matchAnyTag: true })
      assert.deepInclude(got, { sid: near.sid, format: "YYYY-MM-DD", tag: "DATES=ISO;LANG=DE" })
      // More than what was asked for is something else too.
      assert.deepInclude(yield* look(pool, { tag: "DATES=ISO", matchAnyTag: true }), {
        sid: near.sid,
        tag: "DATES=ISO"
      })
      assert.lengthOf(prepared, 4)
    }))

  it.live("(5) at max the longest-idle other session is replaced at once", () =>
    Effect.gen(function*() {
      const { options } = dated()
      const { pool, sids } = yield* watched({ max: 2, ...options })
      const iso = yield* look(pool, { tag: "DATES=ISO" })
      const us = yield* look(pool, { tag: "DATES=US" })
      const plain = yield* look(pool, {})
      assert.deepInclude(plain, { format: "DD-MON-RR", tag: undefined })
      assert.notInclude([iso.sid, us.sid], plain.sid)
      yield* until(Effect.map(sids, (open) => !open.includes(iso.sid)))
      assert.sameMembers([...(yield* sids)], [us.sid, plain.sid])
    }))

  it.live("are kept, changed and cleared at the end of the lease, and never malformed", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 1 })
      const held = yield* pool.acquire()
      assert.strictEqual((yield* Effect.flip(held.setTag("no property")))._tag, "InvalidTagError")
      yield* held.setTag("A=1")
      yield* pool.release(held)
      const again = yield* pool.acquire({ tag: "A=1" })
      assert.strictEqual(again.tag, "A=1")
      assert.strictEqual((yield* Effect.flip(pool.release(again, { tag: "=" })))._tag, "InvalidTagError")
      yield* pool.release(again, { tag: "B=2" })
      const third = yield* pool.acquire({ tag: "B=2" })
      assert.strictEqual(third.tag, "B=2")
      yield* pool.release(third, { tag: "" })
      assert.strictEqual((yield* pool.acquire()).tag, undefined)
      assert.strictEqual((yield* pool.statistics).totals.opened, 1)
    }))

  it.live("cost the session when it cannot be prepared, and the caller is told why", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({
        max: 1,
        onSession: (held, { requestedTag }) =>
          requestedTag === "DATES=BAD"
            ? held.execute("alter session set no_such_parameter = 1")
            : held.setTag(requestedTag)
      })
      const error = yield* Effect.flip(pool.use({ tag: "DATES=BAD" }, (held) => held.ping))
      assert.strictEqual(error._tag, "OracleError")
      yield* nothingLeft(server)
      assert.strictEqual(yield* pool.use({ tag: "A=1" }, (held) => Effect.succeed(held.tag)), "A=1")
    }))
})
