/** Whose work a session does: what the driver is told, when, and what is put back. */
import { assert, describe, it } from "@effect/vitest"
import { type ContextValues, SessionContext, type SessionContextOptions } from "../src/internal/sessionContext.ts"
import { connectionOf } from "./scriptedSession.ts"

const valuesOf = (values: Partial<ContextValues> = {}): ContextValues => ({
  clientIdentifier: "",
  clientInfo: "",
  operation: "",
  module: "",
  action: "",
  ecid: "",
  ...values
})

/** A connection that writes down what it is told. */
const recorded = (options: Partial<SessionContextOptions> = {}) => {
  const told: Array<string> = []
  let schema = ""
  const connection = connectionOf({
    appContext: (namespace: string, pairs: ReadonlyArray<Readonly<Record<string, string>>>) =>
      told.push(`${namespace} ${JSON.stringify(pairs)}`)
  })
  for (const name of ["clientId", "clientInfo", "dbOp", "module", "action", "ecid"]) {
    Object.defineProperty(connection, name, {
      set: (value: string) => {
        told.push(`${name}=${value}`)
      }
    })
  }
  Object.defineProperty(connection, "currentSchema", {
    get: () => schema,
    set: (value: string) => {
      schema = value
      told.push(`schema=${value}`)
    }
  })
  let settled = 0
  const context = new SessionContext({ keeps: false, isPooledServer: false, attributes: new Map(), ...options })
  return {
    connection,
    context,
    settled: () => settled,
    /** A call of the lease begins, and the server answers it unless told otherwise; what the driver was told for it. */
    call: (isAnswered = true) => {
      told.length = 0
      const tells = context.apply(connection)
      if (tells && isAnswered) context.taken(() => settled++)
      return { tells, told: [...told] }
    },
    /** What ends the work of the lease. */
    lastCall: () => {
      told.length = 0
      const tells = context.applySchema(connection)
      if (tells) context.taken(() => settled++)
      return { tells, told: [...told] }
    },
    begin: (values: ContextValues, attributes?: Readonly<Record<string, string>>) =>
      context.begin({ values, attributes: attributes === undefined ? undefined : new Map(Object.entries(attributes)) }),
    end: () => context.end(connection),
    /** A statement of the holder sets a schema: the driver hears of it from the server. */
    alterSession: (name: string) => {
      schema = name
    }
  }
}

const nothing = { tells: false, told: [] }

describe("the values of a lease", () => {
  it("are told with its first call, the action after the module, and taken back with the first call after it", () => {
    const session = recorded()
    assert.deepStrictEqual(session.call(), nothing)
    session.begin(valuesOf({ action: "pay", module: "billing", clientIdentifier: "alice" }))
    assert.deepStrictEqual(session.call(), { tells: true, told: ["clientId=alice", "module=billing", "action=pay"] })
    assert.deepStrictEqual(session.call(), nothing)
    assert.isTrue(session.end())
    assert.deepStrictEqual(session.call(), { tells: true, told: ["clientId=", "module=", "action="] })
  })

  it("that the next lease wants as well are not told again", () => {
    const session = recorded()
    session.begin(valuesOf({ module: "billing" }))
    session.call()
    session.end()
    session.begin(valuesOf({ module: "billing", ecid: "7" }))
    assert.deepStrictEqual(session.call(), { tells: true, told: ["ecid=7"] })
  })

  it("that are not named leave what the session has", () => {
    const session = recorded()
    session.begin(valuesOf({ module: "billing" }))
    session.call()
    session.begin(valuesOf({ module: undefined, clientInfo: "x" }))
    assert.deepStrictEqual(session.call(), { tells: true, told: ["clientInfo=x"] })
    session.begin(valuesOf())
    assert.deepStrictEqual(session.call(), { tells: true, told: ["clientInfo=", "module="] })
  })

  it("of module and action stay where they are to be kept", () => {
    const session = recorded({ keeps: true })
    session.begin(valuesOf({ module: "billing", action: "pay", clientIdentifier: "alice" }))
    session.call()
    session.end()
    assert.deepStrictEqual(session.call(), { tells: true, told: ["clientId="] })
  })

  it("change with what is merged, and not beyond the lease", () => {
    const session = recorded()
    session.begin(valuesOf({ module: "billing", clientInfo: "x" }), { REGION: "north", TEAM: "a" })
    session.call()
    session.context.merge({ module: "payroll" }, new Map([["TEAM", "b"]]))
    assert.deepStrictEqual(session.call(), {
      tells: true,
      told: ["module=payroll", "CLIENTCONTEXT [{\"TEAM\":\"b\"}]"]
    })
    session.context.merge({ clientInfo: "y" }, undefined)
    assert.deepStrictEqual(session.call(), { tells: true, told: ["clientInfo=y"] })
    session.end()
    assert.deepStrictEqual(session.call().told, [
      "clientInfo=",
      "module=",
      "CLIENTCONTEXT [{\"REGION\":\"\"},{\"TEAM\":\"\"}]"
    ])
  })

  it("are all told again where it is not known what the server has", () => {
    const session = recorded()
    session.begin(valuesOf({ module: "billing" }), { REGION: "north" })
    session.call()
    session.context.forget()
    assert.deepStrictEqual(session.call().told, [
      "clientId=",
      "clientInfo=",
      "dbOp=",
      "module=billing",
      "action=",
      "ecid=",
      "CLIENTCONTEXT [{\"REGION\":\"north\"}]"
    ])
    assert.deepStrictEqual(session.call(), nothing)
  })

  it("are told with every call to a pooled server, which may change its session at any time", () => {
    const session = recorded({ isPooledServer: true })
    session.begin(valuesOf({ module: "billing" }))
    assert.include(session.call().told, "module=billing")
    assert.include(session.call().told, "module=billing")
    assert.strictEqual(session.settled(), 0)
  })
})

describe("attributes", () => {
  it("are told where they differ from those of the opening, and put back to these", () => {
    const session = recorded({ attributes: new Map([["REGION", "south"]]) })
    const values = valuesOf()
    session.begin(values, { REGION: "south", TEAM: "" })
    assert.isFalse(session.call().told.some((each) => each.startsWith("CLIENTCONTEXT")))
    session.begin(values, { REGION: "north", TEAM: "a" })
    assert.deepStrictEqual(session.call(), {
      tells: true,
      told: ["CLIENTCONTEXT [{\"REGION\":\"north\"},{\"TEAM\":\"a\"}]"]
    })
    session.end()
    // The next lease has the same values, and no attributes.
    session.begin(values)
    assert.deepStrictEqual(session.call(), {
      tells: true,
      told: ["CLIENTCONTEXT [{\"REGION\":\"south\"},{\"TEAM\":\"\"}]"]
    })
    assert.deepStrictEqual(session.call(), nothing)
  })

  it("of a lease are put back also where the call that told them was lost", () => {
    const session = recorded()
    const values = valuesOf()
    session.begin(values, { TEAM: "a" })
    session.call(false)
    session.context.forget()
    session.end()
    session.begin(values)
    assert.include(session.call().told, "CLIENTCONTEXT [{\"TEAM\":\"\"}]")
  })

  it("that were never told need not be put back, but where nothing is known they are", () => {
    const session = recorded()
    session.begin(valuesOf(), { TEAM: "a" })
    session.end()
    assert.isFalse(session.call().told.some((each) => each.startsWith("CLIENTCONTEXT")))
    session.begin(valuesOf(), { TEAM: "a" })
    session.context.forget()
    session.end()
    assert.include(session.call().told, "CLIENTCONTEXT [{\"TEAM\":\"\"}]")
  })
})

describe("the schema of a lease", () => {
  it("is told with the next call, and put back with the first after the lease", () => {
    const session = recorded()
    session.alterSession("APP")
    session.context.setSchema("SALES", "APP")
    assert.strictEqual(session.context.schemaOf(session.connection), "SALES")
    assert.deepStrictEqual(session.call(), { tells: true, told: ["schema=SALES"] })
    assert.strictEqual(session.settled(), 1)
    assert.deepStrictEqual(session.call(), nothing)
    assert.isTrue(session.end())
    assert.strictEqual(session.context.schemaOf(session.connection), "APP")
    assert.deepStrictEqual(session.call(), { tells: true, told: ["schema=APP"] })
    assert.deepStrictEqual(session.call(), nothing)
  })

  it("is told again neither by its lease nor by what ends it, but it tells until the server has answered", () => {
    const session = recorded()
    session.context.setSchema("SALES", "APP")
    assert.deepStrictEqual(session.call(false), { tells: true, told: ["schema=SALES"] })
    assert.deepStrictEqual(session.call(), { tells: true, told: [] })
    assert.deepStrictEqual(session.lastCall(), nothing)
  })

  it("that was never told is not put back", () => {
    const session = recorded()
    session.context.setSchema("SALES", "APP")
    assert.isTrue(session.end())
    assert.deepStrictEqual(session.call(), nothing)
  })

  it("that follows one that was told is put back to the first of all", () => {
    const session = recorded()
    session.context.setSchema("SALES", "APP")
    session.call()
    session.context.setSchema("HR", "SALES")
    session.context.setSchema("OPS", "HR")
    assert.isTrue(session.end())
    assert.deepStrictEqual(session.call(), { tells: true, told: ["schema=APP"] })
  })

  it("is told in place of one that is to be put back", () => {
    const session = recorded()
    session.context.setSchema("SALES", "APP")
    session.call()
    session.end()
    session.context.setSchema("HR", "APP")
    assert.deepStrictEqual(session.call(), { tells: true, told: ["schema=HR"] })
    session.end()
    assert.deepStrictEqual(session.call(), { tells: true, told: ["schema=APP"] })
  })

  it("is put back again where the call that did so was lost", () => {
    const session = recorded()
    session.context.setSchema("SALES", "APP")
    session.call()
    session.end()
    assert.deepStrictEqual(session.call(false), { tells: true, told: ["schema=APP"] })
    assert.deepStrictEqual(session.call(), { tells: true, told: ["schema=APP"] })
    assert.deepStrictEqual(session.call(), nothing)
  })

  it("stays what a statement has made it, unless that is the same", () => {
    const other = recorded()
    other.context.setSchema("SALES", "APP")
    other.call()
    other.alterSession("HR")
    assert.isTrue(other.end())
    assert.deepStrictEqual(other.call(), nothing)
    const same = recorded()
    same.context.setSchema("\"SALES\"", "APP")
    same.call()
    same.alterSession("sales")
    assert.isTrue(same.end())
    assert.deepStrictEqual(same.call(), { tells: true, told: ["schema=APP"] })
  })

  it("is put back where it is not known what a statement has made it", () => {
    const unanswered = recorded()
    unanswered.context.setSchema("SALES", "APP")
    unanswered.call(false)
    unanswered.alterSession("HR")
    assert.isTrue(unanswered.end())
    assert.deepStrictEqual(unanswered.call(), { tells: true, told: ["schema=APP"] })
    const away = recorded()
    away.context.setSchema("SALES", "APP")
    away.call()
    assert.isTrue(away.context.end(undefined))
    assert.deepStrictEqual(away.call(), { tells: true, told: ["schema=APP"] })
  })

  it("belongs to the session where it was set while that was prepared", () => {
    const told = recorded()
    told.context.setSchema("SALES", "APP")
    told.context.adoptSchema()
    told.call()
    assert.isTrue(told.end())
    assert.deepStrictEqual(told.call(), nothing)
    const untold = recorded()
    untold.context.setSchema("SALES", "APP")
    untold.context.adoptSchema()
    assert.isTrue(untold.end())
    assert.deepStrictEqual(untold.call(), { tells: true, told: ["schema=SALES"] })
    const refused = recorded()
    refused.context.setSchema("SALES", "APP")
    refused.context.adoptSchema()
    refused.call(false)
    assert.isFalse(refused.end())
    recorded().context.adoptSchema()
  })

  it("is all that what ends the lease is told", () => {
    const session = recorded()
    session.begin(valuesOf({ module: "billing" }))
    session.context.setSchema("SALES", "APP")
    assert.deepStrictEqual(session.lastCall(), { tells: true, told: ["schema=SALES"] })
    assert.deepStrictEqual(session.lastCall(), nothing)
  })
})
