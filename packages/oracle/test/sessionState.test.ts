import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { DriverConnection } from "../src/internal/oracledb.ts"
import type { PooledTransport } from "../src/internal/pooledTransport.ts"
import { cancelled, codeOf, connectionOf, never, pass, scriptedSession, withTimers } from "./scriptedSession.ts"

describe("what a failure says of the session", () => {
  const after = Effect.fnUntraced(function*(failure: unknown, sql?: string, members: object = {}) {
    const session = scriptedSession(members)
    yield* Effect.ignore(session.call(() => Promise.reject(failure), { sql }))
    return session
  })

  it.effect("nothing, where the statement was at fault", () =>
    Effect.gen(function*() {
      const session = yield* after(Object.assign(new Error("ORA-00942"), { errorNum: 942, code: "ORA-00942" }), "x")
      assert.isTrue(session.isHealthy)
    }))

  it.effect("it must not be lent again after a defect of the driver, or when it has no cursor left", () =>
    Effect.gen(function*() {
      assert.isFalse((yield* after(new TypeError("undefined"))).isHealthy)
      assert.isFalse((yield* after(Object.assign(new Error("ORA-01000"), { errorNum: 1000 }))).isHealthy)
    }))

  it.effect("a broken statement leaves the driver's cache, where that can be had", () =>
    Effect.gen(function*() {
      const closed: Array<unknown> = []
      const statement = { cursorId: 7, inUse: false }
      const statements = new Map([["select 1", statement]])
      const members = {
        _impl: {
          statementCache: { _cachedStatements: statements, _addCursorToClose: (each: unknown) => closed.push(each) }
        }
      }
      const session = yield* after(cancelled(), "select 1", members)
      assert.isTrue(session.isHealthy)
      assert.deepStrictEqual([statements.size, closed], [0, [statement]])
    }))

  it.effect("a broken call without a statement changes nothing but the count of lost answers", () =>
    Effect.gen(function*() {
      const session = scriptedSession({})
      for (let n = 0; n < 99; n++) yield* Effect.ignore(session.call(() => Promise.reject(cancelled())))
      assert.isTrue(session.isHealthy)
      yield* Effect.ignore(session.call(() => Promise.reject(cancelled())))
      assert.isFalse(session.isHealthy)
    }))

  it.effect("one that is not to be lent again still answers its holder", () =>
    Effect.gen(function*() {
      const session = scriptedSession({})
      session.spend()
      assert.isFalse(session.isHealthy)
      assert.strictEqual(yield* session.call(async () => 1), 1)
    }))
})

describe("a session behind a pool of the server's own", () => {
  const pooled = (lend: () => Promise<DriverConnection>, isConnected = true) => {
    const session = scriptedSession({}, { transport: { isConnected, lend } as unknown as PooledTransport })
    session.attached = undefined
    return session
  }

  it.effect("gets its connection with the first call, once", () =>
    Effect.gen(function*() {
      let lent = 0
      const connection = connectionOf({ name: "lent" })
      const session = pooled(async () => {
        lent++
        return connection
      })
      assert.isTrue(session.isHealthy)
      assert.strictEqual(yield* session.call(async (attached) => attached), connection)
      assert.strictEqual(yield* session.call(async (attached) => attached), connection)
      assert.strictEqual(lent, 1)
    }))

  it.effect("gives it back with the end of a lease", () =>
    Effect.gen(function*() {
      let closed = 0
      const connection = connectionOf({
        close: async () => {
          closed++
        }
      })
      const session = pooled(async () => connection)
      yield* session.call(async () => {})
      assert.strictEqual(session.attached, connection)
      yield* session.detach
      assert.deepStrictEqual([session.attached, closed], [undefined, 1])
    }))

  it.effect("is lost where the connection is gone", () =>
    Effect.gen(function*() {
      const session = pooled(() => Promise.reject(new Error("gone")))
      const exit = yield* Effect.exit(session.call(async () => {}))
      assert.strictEqual(codeOf(exit), "NJS-500")
      assert.isFalse(session.isHealthy)
      assert.isFalse(pooled(never, false).isHealthy)
    }))

  it.effect("has no connection to break while it gets one", () =>
    Effect.gen(function*() {
      const lent = Promise.withResolvers<DriverConnection>()
      const session = pooled(() => lent.promise)
      let begun = 0
      const fiber = yield* Effect.forkChild(session.call(async () => ++begun))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      const stopping = yield* Effect.forkChild(session.stop)
      yield* Effect.yieldNow
      lent.resolve(connectionOf({}))
      yield* Fiber.join(stopping)
      assert.isTrue(session.isHealthy)
    }))
})

describe("what is known of a session", () => {
  it.effect("without a round trip: its instance, its numbers, the statement that runs, without literals", () =>
    Effect.gen(function*() {
      const session = scriptedSession({ instanceName: "orcl1" })
      assert.deepStrictEqual(session.description, { instance: "orcl1", statement: undefined })
      session.numbers = { sid: 7, serial: 9 }
      const answer = Promise.withResolvers<void>()
      const fiber = yield* Effect.forkChild(session.call(() => answer.promise, { sql: "select 'secret' from dual" }))
      yield* Effect.yieldNow
      assert.deepStrictEqual(session.description as unknown, {
        instance: "orcl1",
        statement: "select ? from dual",
        sid: 7,
        serial: 9
      })
      answer.resolve()
      yield* Fiber.join(fiber)
      assert.isUndefined(session.description.statement)
      assert.isUndefined(scriptedSession({ instanceName: undefined }).description.instance)
      assert.isUndefined(scriptedSession({ instanceName: 5 }).description.instance)
    }))

  it.effect("a notice of its end counts while it is here and not lost", () =>
    withTimers(Effect.gen(function*() {
      const controlPkt = { errno: 0 }
      const session = scriptedSession({ _impl: { nscon: { controlPkt } } })
      assert.isFalse(session.hasNotice)
      controlPkt.errno = 12_572
      assert.isTrue(session.hasNotice)
      const { attached } = session
      session.attached = undefined
      assert.isFalse(session.hasNotice)
      session.attached = attached
      const fiber = yield* Effect.forkChild(session.call(never, { limit: 10 }))
      yield* Effect.yieldNow
      pass(10)
      assert.isFalse(session.hasNotice)
      yield* Fiber.interrupt(fiber)
      assert.isFalse(scriptedSession({}).hasNotice)
    })))

  it("its health is the connection's, as long as that is here", () => {
    let isHealthy = true
    const session = scriptedSession(connectionOf({ isHealthy: () => isHealthy }))
    assert.isTrue(session.isHealthy)
    isHealthy = false
    assert.isFalse(session.isHealthy)
    session.attached = undefined
    assert.isFalse(session.isHealthy)
  })
})

describe("whose work it does", () => {
  const wanted = {
    values: { clientIdentifier: "alice", clientInfo: "", operation: "", module: "", action: "", ecid: "" },
    attributes: undefined
  }

  it.effect("is told with the first call of a lease that makes a round trip", () =>
    Effect.gen(function*() {
      const connection = connectionOf({})
      const session = scriptedSession(connection)
      const lease = { isReleased: false }
      session.beginLease(lease, wanted)
      yield* session.call(async () => {}, { lease, isLocal: true })
      assert.isUndefined((connection as { readonly clientId?: string }).clientId)
      yield* session.call(async () => {}, { lease })
      assert.strictEqual(connection.clientId, "alice")
    }))

  it.effect("is told again when the call that told it has failed or was broken, or a caller had the connection", () =>
    Effect.gen(function*() {
      const told: Array<string> = []
      const connection = connectionOf({})
      Object.defineProperty(connection, "clientId", {
        set: (id: string) => {
          told.push(id)
        }
      })
      const session = scriptedSession(connection)
      const lease = { isReleased: false }
      const work = async () => {}
      session.beginLease(lease, wanted)
      const no = Object.assign(new Error("ORA-00942"), { errorNum: 942, code: "ORA-00942" })
      yield* Effect.ignore(session.call(() => Promise.reject(no), { lease }))
      yield* session.call(work, { lease })
      assert.deepStrictEqual(told, ["alice", "alice"])
      // Nothing was to be told along with this one, so its failure says nothing.
      yield* Effect.ignore(session.call(() => Promise.reject(no), { lease }))
      yield* session.call(work, { lease })
      assert.lengthOf(told, 2)
      yield* Effect.ignore(session.call(() => Promise.reject(cancelled()), { lease }))
      yield* session.call(work, { lease })
      assert.lengthOf(told, 3)
      session.giveToCaller()
      yield* session.call(work, { lease })
      assert.lengthOf(told, 4)
    }))

  it.effect("stays that of the holder for what ends the lease", () =>
    Effect.gen(function*() {
      const connection = connectionOf({})
      const session = scriptedSession(connection)
      session.beginLease({ isReleased: false }, wanted)
      session.changeContext((context) => context.setSchema("SALES", "APP"))
      yield* session.call(async () => {}, { isOfHolder: true })
      assert.deepStrictEqual([connection.currentSchema, (connection as { clientId?: string }).clientId], [
        "SALES",
        undefined
      ])
    }))

  it.effect("a schema that the server has taken is told to the driver as settled", () =>
    Effect.gen(function*() {
      const implementation = { _currentSchemaModified: true }
      const session = scriptedSession({ _impl: implementation })
      session.beginLease({ isReleased: false }, wanted)
      yield* session.call(async () => {}, { lease: session.lease })
      assert.isFalse(implementation._currentSchemaModified)
      implementation._currentSchemaModified = true
      // Nothing new was told.
      yield* session.call(async () => {}, { lease: session.lease })
      assert.isTrue(implementation._currentSchemaModified)
    }))

  it.effect("a session whose schema the server has not taken is not lent again", () =>
    Effect.gen(function*() {
      const session = scriptedSession({})
      session.beginLease({ isReleased: false }, undefined)
      session.changeContext((context) => {
        context.setSchema("SALES", "APP")
        context.adoptSchema()
      })
      const no = Object.assign(new Error("ORA-01435"), { errorNum: 1435, code: "ORA-01435" })
      yield* Effect.ignore(session.call(() => Promise.reject(no), { lease: session.lease }))
      assert.isTrue(session.isHealthy)
      session.putBack()
      assert.isFalse(session.isHealthy)
    }))
})

describe("resources of a lease", () => {
  it.effect("are closed in the line, once, and not where the end of the lease has done so", () =>
    Effect.gen(function*() {
      const session = scriptedSession({})
      const closed: Array<string> = []
      const resource = (name: string) => ({
        close: async () => {
          closed.push(name)
        }
      })
      const a = resource("a")
      const b = resource("b")
      session.resources.add(a).add(b)
      const answer = Promise.withResolvers<void>()
      const fiber = yield* Effect.forkChild(session.call(() => answer.promise))
      yield* Effect.yieldNow
      session.closeLater(a)
      session.closeLater(a)
      session.closeLater(b)
      session.resources.delete(b)
      assert.deepStrictEqual(closed, [])
      answer.resolve()
      yield* Fiber.join(fiber)
      yield* session.call(async () => {})
      assert.deepStrictEqual(closed, ["a"])
      assert.strictEqual(session.resources.size, 0)
    }))
})

describe("object types", () => {
  it.effect("are forgotten by the driver once there is doubt", () =>
    Effect.gen(function*() {
      const types = new Map([["A", 1]])
      const session = scriptedSession({
        _dbObjectClasses: new Map(),
        _impl: { _getDbObjectType: () => {}, _dbObjectTypes: types },
        getDbObjectClass: async (name: string) => ({ name })
      })
      const described = () => session.call((connection) => session.describeType(connection, "A"))
      assert.deepStrictEqual((yield* described()) as unknown, { name: "A" })
      assert.strictEqual(types.size, 1)
      session.objectTypes.doubt()
      yield* described()
      assert.strictEqual(types.size, 0)
      types.set("A", 1)
      yield* described()
      assert.strictEqual(types.size, 1)
    }))

  it("a statement that was sent with others is prepared anew", () => {
    const statements = new Map([["x", { cursorId: 0, inUse: false }]])
    const session = scriptedSession({
      _impl: { statementCache: { _cachedStatements: statements, _addCursorToClose: () => {} } }
    })
    session.prepareAnew("x")
    assert.strictEqual(statements.size, 0)
    scriptedSession({}).prepareAnew("x")
  })
})
