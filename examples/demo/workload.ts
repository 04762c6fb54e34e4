/** A bookings application: guests look for rooms and book them, each in a session in the state of their region. */
import type { OracleConnection, OracleSessionPool } from "@sessionpool/oracle"
import { Effect, Random } from "effect"
import type { Tally } from "./tally.ts"

export const clients = 60
export const sessions = 8

/** The states that sessions are needed in. A region's guests see dates and times in its own way. */
export const regions = {
  "REGION=EUROPE": "+01:00",
  "REGION=AMERICA": "-05:00",
  "REGION=ASIA": "+09:00"
} as const

export const tags = Object.keys(regions) as ReadonlyArray<keyof typeof regions>

/** How the work is spread over the regions. */
const spread = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2] as const

type Connection = OracleConnection.OracleConnection

const isRegion = (tag: string | undefined): tag is keyof typeof regions => tag !== undefined && tag in regions

/** Puts a session in the state that its tag names: what `onSession` is for. */
export const prepare = (connection: Connection, { requestedTag }: { readonly requestedTag: string | undefined }) =>
  isRegion(requestedTag)
    ? Effect.andThen(
      connection.execute(`alter session set time_zone = '${regions[requestedTag]}'`),
      connection.setTag(requestedTag)
    )
    : Effect.void

const rooms = 40
const nights = 5000

/** Makes the tables anew. */
export const createTables = Effect.fnUntraced(function*(connection: Connection) {
  yield* Effect.ignore(connection.execute("drop table demo_bookings"))
  yield* Effect.ignore(connection.execute("drop table demo_rooms"))
  yield* connection.execute("create table demo_rooms (id number primary key, city varchar2(30) not null)")
  yield* connection.execute(
    `create table demo_bookings (
       room_id number not null references demo_rooms, night number not null, guest varchar2(30) not null,
       made timestamp with local time zone default systimestamp, constraint demo_one_guest unique (room_id, night))`
  )
  yield* connection.executeMany(
    "insert into demo_rooms values (:1, :2)",
    Array.from({ length: rooms }, (_, index) => [index + 1, ["Lisbon", "Boston", "Kyoto"][index % 3]!])
  )
  yield* connection.commit
})

const search = (connection: Connection, city: string) =>
  connection.query(
    `select r.id, count(b.night) as taken from demo_rooms r left join demo_bookings b on b.room_id = r.id
     where r.city = :city group by r.id order by taken fetch first 3 rows only`,
    { city }
  )

const book = (connection: Connection, room: number, night: number) =>
  connection.withTransaction(Effect.gen(function*() {
    yield* connection.query("select id from demo_rooms where id = :room for update", { room })
    yield* connection.execute(
      "insert into demo_bookings (room_id, night, guest) values (:room, :night, 'somebody')",
      { room, night }
    )
  }))

/** A client thinks for a while, then looks for a room or books one, and begins anew. */
export const client = (pool: OracleSessionPool.Pool, tally: Tally) =>
  Effect.gen(function*() {
    yield* Effect.sleep(yield* Random.nextIntBetween(20, 120))
    const region = spread[yield* Random.nextIntBetween(0, spread.length - 1)] ?? 0
    const looksOnly = yield* Random.nextBoolean
    const room = yield* Random.nextIntBetween(1, rooms)
    const night = yield* Random.nextIntBetween(1, nights)
    // A session of another region will do: it is cheaper to change its state, in `prepare`, than to open one.
    const request = { tag: tags[region]!, matchAnyTag: true, waitTimeout: "2 seconds" } as const
    const work = pool.use(request, (connection) =>
      looksOnly ? search(connection, ["Lisbon", "Boston", "Kyoto"][region]!) : book(connection, room, night))
    const error = yield* Effect.match(work, {
      onFailure: (error) =>
        error,
      onSuccess: () =>
        undefined
    })
    if (error === undefined) tally.succeeded()
    else tally.failed(error)
  }).pipe(Effect.forever)
