/**
 * An application service over a pool: it books seats. It names the few things that it does with a session, so that any
 * pool whose connections can do them will do: a pool of Oracle sessions in production, a test database in tests.
 */
import type { Connection, SessionPool } from "@sessionpool/core"
import { Context, Effect, Layer, Schema } from "effect"

/** What the service does with a session. */
export interface BookingsConnection extends Connection.Connection {
  readonly execute: (text: string, binds?: unknown) => Effect.Effect<unknown, { readonly message: string }>
  readonly commit: Effect.Effect<void, { readonly message: string }>
}

/** The pool that the service is coded against. Of a pool it needs `use` and nothing else. */
export class BookingsPool
  extends Context.Service<BookingsPool, Pick<SessionPool.SessionPool<BookingsConnection>, "use">>()("app/BookingsPool")
{}

/** No seat is left. */
export class FlightFull extends Schema.TaggedError<FlightFull>("app/FlightFull")("FlightFull", {
  flight: Schema.String
}) {
  override get message() {
    return `Flight ${this.flight} is full.`
  }
}

/** Bookings cannot be made just now: no session could be had, or the database did not answer. */
export class BookingsUnavailable
  extends Schema.TaggedError<BookingsUnavailable>("app/BookingsUnavailable")("BookingsUnavailable", {
    reason: Schema.String
  })
{
  override get message() {
    return `Bookings cannot be made just now: ${this.reason}`
  }
}

const SeatsFree = Schema.Finite

/** The state that sessions of this service are in; `onSession` of the pool brings it about. */
export const bookingsTag = "MODULE=BOOKINGS;TIME_ZONE=UTC"

export class Bookings extends Context.Service<Bookings, {
  readonly seatsFree: (flight: string) => Effect.Effect<number, BookingsUnavailable>
  readonly book: (flight: string, passenger: string) => Effect.Effect<number, FlightFull | BookingsUnavailable>
}>()("app/Bookings") {
  static readonly layer = Layer.effect(
    Bookings,
    Effect.gen(function*() {
      const pool = yield* BookingsPool

      const countSeats = (connection: BookingsConnection, flight: string) =>
        connection.execute("select count(*) from seats where flight = :flight and passenger is null", { flight }).pipe(
          Effect.flatMap(Schema.decodeUnknownEffect(SeatsFree))
        )

      const unavailable = (error: { readonly message: string }) => new BookingsUnavailable({ reason: error.message })

      const seatsFree = Effect.fn("Bookings.seatsFree")(
        (flight: string) =>
          pool.use({ tag: bookingsTag, waitTimeout: "2 seconds" }, (connection) => countSeats(connection, flight)),
        Effect.mapError(unavailable)
      )

      const book = Effect.fn("Bookings.book")(
        (flight: string, passenger: string) =>
          // When anything in here fails, or its fiber is interrupted, the pool rolls back.
          pool.use({ tag: bookingsTag, waitTimeout: "2 seconds" }, (connection) =>
            Effect.gen(function*() {
              const free = yield* countSeats(connection, flight)
              if (free === 0) return yield* new FlightFull({ flight })
              yield* connection.execute(
                "update seats set passenger = :passenger where flight = :flight and passenger is null and rownum = 1",
                { flight, passenger }
              )
              yield* connection.commit
              return free - 1
            })),
        Effect.mapError((error) => error instanceof FlightFull ? error : unavailable(error))
      )

      return Bookings.of({ book, seatsFree })
    })
  )
}
