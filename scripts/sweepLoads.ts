/**
 * Many rows through a sink, by array DML and by direct path: `npm run sweep -- loads --rows 1000000`. The server is a process of its own, so that
 * the memory is that of the client alone. Ends with a failure when a row is missing, or when the memory grows with the number of rows.
 */
import { Effect, Redacted, Stream } from "effect"
import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { OracleServer } from "../packages/oracle-server/src/index.ts"
import { type OracleConnection, OracleSessionPool } from "../packages/oracle/src/index.ts"

const { values } = parseArgs({
  options: { rows: { type: "string", default: "1000000" }, serve: { type: "boolean", default: false } }
})
const rows = Number(values.rows)
const megabyte = 1024 * 1024

/** How much more memory a load of ten times the rows may need. */
const slack = 32 * megabyte

const serve = Effect.gen(function*() {
  const { connectString } = yield* OracleServer.make({ memoryLimit: 8 * 1024 * megabyte })
  process.send?.(connectString)
  return yield* Effect.never
})

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

/** What the heap holds, garbage aside. */
const heldBytes = (): number => {
  collect()
  return process.memoryUsage().heapUsed
}

const load = Effect.fnUntraced(function*(
  connection: OracleConnection.OracleConnection,
  count: number,
  isDirect: boolean
) {
  yield* connection.execute("create table loaded (id number, name varchar2(100), price number)")
  const before = heldBytes()
  let most = before
  let reported = 0
  const startedAt = performance.now()
  const stream = Stream.range(1, count).pipe(Stream.map((id) => [id, `item ${id}`, id % 100]))
  const sink = connection.sink("loaded", ["id", "name", "price"], {
    ...(isDirect ? { direct: true } : { commit: true }),
    onProgress: ({ rows: done }) =>
      Effect.sync(() => {
        if (done - reported < count / 20) return
        reported = done
        most = Math.max(most, heldBytes())
      })
  })
  const done = yield* Stream.run(stream, sink)
  const seconds = (performance.now() - startedAt) / 1000
  const [found] = yield* connection.query(
    "select count(*) as n, sum(id) as ids, count(distinct price) as prices, max(length(name)) as longest from loaded"
  )
  yield* connection.execute("drop table loaded purge")
  const isWhole = done.committed === count && Number(found?.["N"]) === count &&
    Number(found?.["IDS"]) === count * (count + 1) / 2 && Number(found?.["PRICES"]) === Math.min(count, 100)
  const grown = most - before
  console.log(
    `${isDirect ? "direct path" : "array DML"}: ${count} rows in ${done.chunks} chunks, ${seconds.toFixed(1)} s, ` +
      `${Math.round(count / seconds)} rows/s, heap +${(grown / megabyte).toFixed(1)} MB at most` +
      (isWhole ? "" : `: NOT ALL THERE ${JSON.stringify(found)}`)
  )
  return { grown, isWhole }
})

const measure = Effect.fnUntraced(function*(connectString: string) {
  const pool = yield* OracleSessionPool.make({
    connectString,
    user: "scott",
    password: Redacted.make("tiger"),
    min: 0,
    max: 1
  })
  const problems: Array<string> = []
  for (const isDirect of [false, true]) {
    const small = yield* pool.use((connection) => load(connection, Math.ceil(rows / 10), isDirect))
    const large = yield* pool.use((connection) => load(connection, rows, isDirect))
    if (!small.isWhole || !large.isWhole) problems.push("rows are missing")
    if (large.grown > small.grown + slack) problems.push("the memory grows with the rows")
  }
  return problems
})

if (values.serve) await Effect.runPromise(Effect.scoped(serve))
else {
  const child = fork(fileURLToPath(import.meta.url), ["--serve"], { execArgv: ["--max-old-space-size=8192"] })
  try {
    const [connectString] = await once(child, "message") as [string]
    const problems = await Effect.runPromise(Effect.scoped(measure(connectString)))
    console.log(problems.length === 0 ? "all rows are there, in bounded memory" : problems.join("; "))
    process.exitCode = problems.length === 0 ? 0 : 1
  } finally {
    child.kill()
  }
}
