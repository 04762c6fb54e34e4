import { assert, describe, it } from "@effect/vitest"
import { driver, type DriverBinds, type DriverConnection, type PipelineOperation } from "../src/internal/oracledb.ts"
import {
  fitsPipeline,
  isPipelineRefusal,
  isRefusedByDriver,
  outcomeAlone,
  type PreparedCall,
  runTogether
} from "../src/internal/pipelinedCall.ts"

const sql = "insert into t values (:1)"

const execute = (binds: DriverBinds, options: object = {}): PreparedCall => ({ _tag: "Execute", sql, binds, options })

const query = (binds: DriverBinds, options: object = {}): PreparedCall => ({ _tag: "Query", sql, binds, options })

const many = (binds: ReadonlyArray<DriverBinds> | number, options: object = {}): PreparedCall => ({
  _tag: "ExecuteMany",
  sql,
  binds,
  options
})

const unit = (more: object): DriverBinds => [more] as unknown as DriverBinds

const longest = 32_767

describe("what the driver takes in a pipeline", () => {
  const taken: Record<string, PreparedCall> = {
    "a call without binds": execute([]),
    "numbers, texts, dates, nulls": execute([1, "a", new Date(0), null, undefined] as DriverBinds),
    "named binds": execute({ a: 1, b: "x" } as DriverBinds),
    "a text of as many bytes as a VARCHAR2 may have": execute(["x".repeat(longest)] as DriverBinds),
    "a text that is long only by the most bytes that its characters could have": execute(["x".repeat(11_000)]),
    "a text of many bytes each, all together as long as may be": execute(["€".repeat(10_922)]),
    "as many bytes as a RAW may have": execute([Buffer.alloc(longest)]),
    "a value with a plain type": execute(unit({ type: driver.DB_TYPE_NUMBER, val: 1 })),
    "a place for a value to come": execute(unit({ type: driver.DB_TYPE_VARCHAR, maxSize: longest })),
    "a query": query([1]),
    "a statement that is to stay in the cache": query([1], { keepInStmtCache: true }),
    "many rows": many([[1], ["a"]]),
    "many rows that are to commit": many([[1]], { autoCommit: true, batchErrors: false, dmlRowCounts: false })
  }
  for (const [what, call] of Object.entries(taken)) {
    it(what, () => assert.isTrue(fitsPipeline(call)))
  }

  const alone: Record<string, PreparedCall> = {
    "a text of a byte more": execute(["x".repeat(longest + 1)]),
    "a short text of long characters": execute(["€".repeat(10_923)]),
    "a byte more than a RAW may have": execute([Buffer.alloc(longest + 1)]),
    "one such value among others": execute([1, "x".repeat(longest + 1)]),
    "one such value by its name": query({ a: 1, b: Buffer.alloc(longest + 1) } as DriverBinds),
    "a LOB": execute(unit({ type: driver.DB_TYPE_CLOB, val: "x" })),
    "a place for a long text": execute(unit({ type: driver.DB_TYPE_VARCHAR, maxSize: longest + 1 })),
    "a long text with its type": execute(unit({ type: driver.DB_TYPE_VARCHAR, val: "x".repeat(longest + 1) })),
    "a value without its type, in the form of one with it": execute(unit({ val: 1 })),
    "an object of the driver": execute(unit({ attributes: [] })),
    "a statement that the cache is not to have": query([1], { keepInStmtCache: false }),
    "a row among many with a long text": many([[1], ["x".repeat(longest + 1)]]),
    "a long text beside another value of its row": many([[1, "x".repeat(longest + 1)]]),
    "how often, in place of rows": many(3),
    "many rows with their errors": many([[1]], { batchErrors: true }),
    "many rows with their counts": many([[1]], { dmlRowCounts: true })
  }
  for (const [what, call] of Object.entries(alone)) {
    it(`not: ${what}`, () => assert.isFalse(fitsPipeline(call)))
  }
})

describe("a call by itself", () => {
  const asked: Array<ReadonlyArray<unknown>> = []
  const connection = {
    execute: async (...args: ReadonlyArray<unknown>) => {
      asked.push(["execute", ...args])
      return { rowsAffected: 1 }
    },
    executeMany: async (...args: ReadonlyArray<unknown>) => {
      asked.push(["executeMany", ...args])
      throw new Error("no")
    }
  } as unknown as DriverConnection

  it("goes as what it is, and its failure is an outcome", async () => {
    assert.deepStrictEqual(await outcomeAlone(connection, query([1], { maxRows: 3 })), { value: { rowsAffected: 1 } })
    const outcome = await outcomeAlone(connection, many([[1], [2]]))
    assert.strictEqual("failure" in outcome && (outcome.failure as Error).message, "no")
    assert.deepStrictEqual(asked, [
      ["execute", sql, [1], { maxRows: 3 }],
      ["executeMany", sql, [[1], [2]], {}]
    ])
  })
})

describe("calls that go together", () => {
  it("are told to the driver with the options that it takes in a pipeline, and no others", async () => {
    const told: Array<PipelineOperation> = []
    const fetchTypeHandler = () => undefined
    const failure = new Error("no")
    const outcomes = await runTogether(
      {} as DriverConnection,
      [
        query([1], { maxRows: 5, fetchTypeHandler, keepInStmtCache: true, outFormat: 4001 }),
        execute([2], { autoCommit: true, prefetchRows: undefined, fetchArraySize: 7 }),
        many([[3]], { bindDefs: [{ type: driver.DB_TYPE_NUMBER }] }),
        many([[4]], { autoCommit: true })
      ],
      {
        run: async (_, operations) => {
          told.push(...operations)
          return [{ rows: [[1]] }, { error: failure }, { rowsAffected: 1 }, {}] as never
        }
      }
    )
    assert.deepStrictEqual(told as unknown, [
      { _tag: "Query", sql, binds: [1], options: { maxRows: 5, outFormat: 4001 }, fetchTypes: fetchTypeHandler },
      { _tag: "Execute", sql, binds: [2], options: { autoCommit: true, fetchArraySize: 7 } },
      {
        _tag: "ExecuteMany",
        sql,
        binds: [[3]],
        options: { autoCommit: false, bindDefs: [{ type: driver.DB_TYPE_NUMBER }] }
      },
      { _tag: "ExecuteMany", sql, binds: [[4]], options: { autoCommit: true } }
    ])
    assert.deepStrictEqual(outcomes as unknown, [
      { value: { rows: [[1]] } },
      { failure },
      { value: { rowsAffected: 1 } },
      { value: {} }
    ])
  })
})

describe("refusals of pipelines", () => {
  it("by the driver are told from other failures", () => {
    for (const code of ["NJS-178", "NJS-180", "NJS-181", "NJS-182"]) assert.isTrue(isRefusedByDriver({ code }), code)
    for (const other of [{ code: "NJS-179" }, { code: "ORA-00001" }, {}, null, undefined, "NJS-178"]) {
      assert.isFalse(isRefusedByDriver(other))
    }
  })

  it("by the server have a number", () => {
    assert.isTrue(isPipelineRefusal({ errorNum: 43_616 }))
    for (const other of [{ errorNum: 43_615 }, {}, null, undefined, 43_616]) assert.isFalse(isPipelineRefusal(other))
  })
})
