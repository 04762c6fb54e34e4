/**
 * Many rows and large values: a query, a stream, decoded rows, batches, loads and LOBs, each beside the bare call of the driver with the
 * same settings. Beside the time stands the processor time of the client alone: the server takes its own, which is the same for all.
 */
import { OracleClient, type OracleConnection, type OracleLob, OracleSessionPool } from "@sessionpool/oracle"
import { Effect, Redacted, Schema, type Scope, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { again, ratioTarget } from "./compare.ts"
import { collectGarbage, inUse } from "./heap.ts"
import * as Table from "./manyRowsTable.ts"
import { Figures, takeTurns } from "./rounds.ts"
import { type Figure, median, type Report, type Row, type Scale, type Target } from "./row.ts"
import { serverProcess } from "./serverProcess.ts"

const { driver } = Table

interface Plan {
  readonly rows: number
  readonly lob: number
  /** How many LOBs a run writes or reads one after the other: a single one takes a few milliseconds, which says little. */
  readonly lobs: number
  readonly rounds: number
  /** Rounds before those that count, so that none is measured while it is still being compiled. */
  readonly warmUp: number
  readonly chunk: number
}

const plans: { readonly [S in Scale]: Plan } = {
  smallest: { rows: 300, lob: 200_000, lobs: 2, rounds: 1, warmUp: 1, chunk: 100 },
  full: { rows: 100_000, lob: 3 * 1_048_576, lobs: 15, rounds: 9, warmUp: 2, chunk: 1000 }
}

/** Times an effect. */
type Timed = (effect: Effect.Effect<unknown, unknown>) => Effect.Effect<unknown, unknown>

interface Candidate {
  readonly group: string
  readonly name: string
  /** What it does, of which `timed` is what is compared; whatever undoes it comes after that. */
  readonly run: (timed: Timed) => Effect.Effect<unknown, unknown>
  /** How often it does it; times are those of once. */
  readonly times: number
}

const raw = "the bare driver"

const groups = {
  query: "a query",
  stream: "a stream",
  batch: "a batch",
  lobIn: "a LOB is written",
  lobOut: "a LOB is read",
  memory: "memory of a stream"
} as const

const Item = Schema.Struct({
  id: Schema.Number,
  amount: Schema.Number,
  quantity: Schema.Number,
  ratio: Schema.Number,
  name: Schema.String,
  city: Schema.String,
  note: Schema.NullOr(Schema.String),
  hired: Schema.Date,
  changed: Schema.Date,
  code: Schema.Uint8Array
})

const pieces = (bytes: Buffer, size: number): ReadonlyArray<Buffer> =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size))

const pieceSizes = [1024, 65_536, 1_048_576]
const kilobytes = (size: number) => `${size / 1024} KB`

/** A candidate that gives less than the others must not pass for a fast one. */
const expecting = (count: number, found: { readonly length: number }): void => {
  if (found.length !== count) throw new Error(`${found.length} rows or bytes have come in the place of ${count}`)
}

const fetching = (chunk: number) => ({ fetchArraySize: chunk, prefetchRows: chunk })

const reads = (
  connection: Table.RawConnection,
  ours: OracleConnection.OracleConnection,
  sql: OracleClient.OracleClient,
  { chunk, rows }: Plan
): ReadonlyArray<Candidate> => {
  const names = { columnNames: "lower" } as const
  const rawOptions = {
    ...fetching(chunk),
    outFormat: driver.OUT_FORMAT_OBJECT,
    fetchTypeHandler: Table.fetchTypeHandler
  }
  const of = (group: string, name: string, run: Effect.Effect<unknown, unknown>): Candidate => ({
    group,
    name,
    times: 1,
    run: (timed) => timed(run)
  })
  const whole = Effect.tryPromise(async () => {
    const result = await connection.execute(Table.select, [], rawOptions)
    expecting(rows, result.rows!)
  })
  const parts = Effect.tryPromise(async () => {
    const { resultSet } = await connection.execute(Table.select, [], { ...rawOptions, resultSet: true })
    for (let count = 0, found = 0;; count += found) {
      found = (await resultSet!.getRows(chunk)).length
      if (found === chunk) continue
      if (count + found !== rows) throw new Error(`${count + found} rows have come`)
      return resultSet!.close()
    }
  })
  const counted = (stream: Stream.Stream<unknown, unknown>) =>
    Effect.map(
      Stream.runFold(Stream.chunks(stream), () => 0, (count, some) => count + some.length),
      (length) => expecting(rows, { length })
    )
  const read = (effect: Effect.Effect<ReadonlyArray<unknown>, unknown>) =>
    Effect.map(effect, (found) => expecting(rows, found))
  return [
    of(groups.query, raw, whole),
    of(groups.query, again(raw), whole),
    of(groups.query, "query", read(ours.query(Table.select))),
    of(groups.query, "query, decoded with Schema", read(ours.query(Table.select, [], { ...names, schema: Item }))),
    of(groups.query, "OracleClient", read(sql.unsafe(Table.select))),
    of(groups.stream, raw, parts),
    of(groups.stream, again(raw), parts),
    of(groups.stream, "queryStream", counted(ours.queryStream(Table.select))),
    of(
      groups.stream,
      "queryStream, decoded with Schema",
      counted(ours.queryStream(Table.select, [], { ...names, schema: Item }))
    ),
    of(groups.stream, "OracleClient stream", counted(sql.unsafe(Table.select).stream))
  ]
}

const writes = (
  connection: Table.RawConnection,
  ours: OracleConnection.OracleConnection,
  sql: OracleClient.OracleClient,
  { chunk, rows }: Plan
): ReadonlyArray<Candidate> => {
  const items = Table.items(rows)
  const values = items.map(Table.valuesOf)
  const chunks = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
    Array.from({ length: Math.ceil(rows / chunk) }, (_, index) => all.slice(index * chunk, (index + 1) * chunk))
  const [itemChunks, valueChunks] = [chunks(items), chunks(values)]
  const each = <A>(all: ReadonlyArray<A>, write: (one: A) => Effect.Effect<unknown, unknown>) =>
    Effect.forEach(all, write, { discard: true })
  const bare = Effect.tryPromise(async () => {
    for (const some of valueChunks) await connection.executeMany(Table.insert, some, { bindDefs: Table.bindDefs })
  })
  const theirs = (name: string): Candidate => ({
    group: groups.batch,
    name,
    times: 1,
    run: (timed) => Effect.andThen(timed(bare), Effect.promise(() => connection.rollback()))
  })
  const of = (name: string, run: Effect.Effect<unknown, unknown>): Candidate => ({
    group: groups.batch,
    name,
    times: 1,
    run: (timed) => Effect.andThen(timed(run), ours.rollback)
  })
  const insertChunk = ([first, ...rest]: ReadonlyArray<Table.Item>) =>
    sql`insert into written_rows ${sql.insert([first!, ...rest])}`
  const sink = ours.sink("written_rows", Table.columns, { chunkSize: chunk })
  return [
    theirs(raw),
    theirs(again(raw)),
    of("executeMany", each(valueChunks, (some) => ours.executeMany(Table.insert, some))),
    of("sink", Stream.run(Stream.fromIterable(values), sink)),
    of("sink, of objects", Stream.run(Stream.fromIterable(items), sink)),
    {
      group: groups.batch,
      name: "sql.insert",
      times: 1,
      // The client's session is its own: what it has written it takes back itself.
      run: (timed) =>
        Effect.ignore(sql.withTransaction(Effect.andThen(timed(each(itemChunks, insertChunk)), Effect.fail("undo"))))
    }
  ]
}

const lobs = (
  connection: Table.RawConnection,
  ours: OracleConnection.OracleConnection,
  { lob, lobs: times }: Plan
): ReadonlyArray<Candidate> => {
  const bytes = Buffer.alloc(lob, "0123456789abcdef")
  const into = "insert into documents (id, body) values (2, :body)"
  const from = "select body from documents where id = 1"
  const repeated = (once: Effect.Effect<unknown, unknown>) =>
    Effect.forEach(Array(times), () => once, { discard: true })
  const bound = Effect.tryPromise(() => connection.execute(into, [{ type: driver.DB_TYPE_BLOB, val: bytes }], {}))
  const written = (name: string): Candidate => ({
    group: groups.lobIn,
    name,
    times,
    run: (timed) => Effect.andThen(timed(repeated(bound)), Effect.promise(() => connection.rollback()))
  })
  const ourWritten = (name: string, run: Effect.Effect<unknown, unknown>): Candidate => ({
    group: groups.lobIn,
    name,
    times,
    run: (timed) => Effect.andThen(timed(repeated(run)), ours.rollback)
  })
  const read = (name: string, run: Effect.Effect<unknown, unknown>): Candidate => ({
    group: groups.lobOut,
    name,
    times,
    run: (timed) => timed(repeated(run))
  })
  const fetched = Effect.tryPromise(async () => {
    const { rows } = await connection.execute(from, [], {
      outFormat: driver.OUT_FORMAT_OBJECT,
      fetchTypeHandler: ({ dbType }: { readonly dbType: unknown }) =>
        dbType === driver.DB_TYPE_BLOB ? { type: driver.DB_TYPE_RAW } : undefined
    })
    expecting(lob, rows![0]!["BODY"] as Buffer)
  })
  const handle = Effect.map(ours.query(from, [], { lobs: "handle" }), (rows) => rows[0]!["BODY"] as OracleLob.OracleLob)
  return [
    written(raw),
    written(again(raw)),
    ourWritten("bound whole", ours.execute(into, [bytes])),
    ...pieceSizes.map((size) =>
      ourWritten(
        `createLob of ${kilobytes(size)} pieces`,
        Effect.flatMap(
          ours.createLob("blob", Stream.fromIterable(pieces(bytes, size))),
          (body) => Effect.andThen(ours.execute(into, [body]), body.close)
        )
      )
    ),
    read(raw, fetched),
    read(again(raw), fetched),
    read("query", Effect.map(ours.query(from), (rows) => expecting(lob, rows[0]!["BODY"] as Buffer))),
    read(
      "handle, its bytes",
      Effect.map(Effect.flatMap(handle, ({ bytes }) => bytes), (found) => expecting(lob, found))
    ),
    read(
      "handle, its stream",
      Effect.map(
        Effect.flatMap(handle, ({ stream }) => Stream.runFold(stream, () => 0, (sum, piece) => sum + piece.length)),
        (length) => expecting(lob, { length })
      )
    )
  ]
}

const measured = (figures: Figures, { group, name, run, times }: Candidate) => {
  collectGarbage()
  return run((effect) =>
    Effect.suspend(() => {
      const before = process.cpuUsage()
      const began = performance.now()
      return Effect.map(effect, () => {
        const millis = performance.now() - began
        const { system, user } = process.cpuUsage(before)
        figures.add({ group, candidate: name, metric: "time", unit: "ms" }, millis / times)
        figures.add({ group, candidate: name, metric: processor, unit: "ms" }, (system + user) / 1000 / times)
      })
    })
  )
}

const processor = "processor time of the client"

/** How much more is kept near the end of a stream than near its beginning. */
const kept = (ours: OracleConnection.OracleConnection, rows: number) =>
  Effect.suspend(() => {
    let [seen, before, after] = [0, 0, 0]
    const look = Effect.sync(() => {
      const was = seen
      seen += 1
      if (was === Math.floor(rows * 0.1)) before = inUse()
      if (was === Math.floor(rows * 0.9)) after = inUse()
    })
    return Effect.map(Stream.runForEach(ours.queryStream(Table.select), () => look), () => after - before)
  })

const targetsOf = (figures: ReadonlyArray<Figure>): ReadonlyArray<Target> => {
  const own = figures.filter(({ candidate, metric }) =>
    metric === "time" && candidate !== raw && candidate !== again(raw)
  )
  const memory = figures.find(({ group }) => group === groups.memory)!
  return [
    ...own.map(({ candidate, group }) =>
      ratioTarget(figures, {
        text: `${group}: time of ${candidate}, to the bare driver`,
        bound: group === groups.lobIn || group === groups.lobOut ? 1.3 : candidate.includes("Schema") ? 1.5 : 1.1,
        direction: "at most",
        where: { group, metric: "time" },
        of: candidate,
        to: [raw]
      })
    ),
    {
      text: "a stream: bytes kept from its first tenth to its last",
      bound: 1_000_000,
      direction: "at most",
      measured: median(memory.values)
    }
  ]
}

const notes = [
  "100,000 rows of ten columns (four NUMBER, three VARCHAR2, DATE, TIMESTAMP, RAW), 1,000 with each round trip. The bare driver fetches " +
  "the same types, NUMBER as its digits, and gives objects; this package also turns the digits into numbers that it has checked, and dates " +
  "into UTC.",
  "A batch writes 100,000 rows in chunks of 1,000 and rolls back, which is not timed. The bare driver is told the types of the binds; this " +
  "package finds them out.",
  "A LOB is 3 MB, and a run writes or reads 15 of them one after the other; times are those of one. The bare driver binds and fetches it as " +
  "one value.",
  "The server is a process of its own. Its part of the time is the same for all."
]

const run = (scale: Scale): Effect.Effect<Report, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const plan = plans[scale]
    const server = yield* serverProcess({ script: Table.script(plan.rows) })
    const { connectString, password, user } = server
    const connection = yield* Effect.acquireRelease(
      Effect.tryPromise(() => driver.getConnection({ connectString, user, password })),
      (connection) => Effect.promise(() => connection.close())
    )
    const pool = yield* OracleSessionPool.make({
      connectString,
      user,
      password: Redacted.make(password),
      max: 2,
      ...fetching(plan.chunk)
    })
    const ours = yield* pool.acquire()
    const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
    yield* ours.withTransaction(
      ours.execute("insert into documents (id, body) values (1, :1)", [Buffer.alloc(plan.lob, "fedcba9876543210")])
    )
    const candidates = [
      ...reads(connection, ours, sql, plan),
      ...writes(connection, ours, sql, plan),
      ...lobs(connection, ours, plan)
    ]
    const figures = new Figures()
    yield* takeTurns(candidates, plan.warmUp, (candidate) => measured(new Figures(), candidate))
    yield* takeTurns(candidates, plan.rounds, (candidate) => measured(figures, candidate))
    for (let round = 0; round < Math.min(3, plan.rounds); round++) {
      const bytes = yield* kept(ours, plan.rows)
      figures.add({ group: groups.memory, candidate: "queryStream", metric: "kept", unit: "bytes" }, bytes)
    }
    const list = figures.list(candidates)
    return { figures: list, targets: targetsOf(list), notes }
  })

export const manyRows: Row = { id: "rows", title: "Many rows and large values", run }
