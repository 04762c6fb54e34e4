/**
 * What an order needs done. A step may be asked for twice, when a process dies between doing it and saying so: each is
 * one transaction that begins with a row for the order, and does nothing where that row is there.
 */
import { OracleClient, OracleMigrator } from "@sessionpool/oracle"
import { Context, Effect, Layer, Schema } from "effect"
import { isSqlError } from "effect/sql/SqlError"

export class OutOfStock extends Schema.TaggedError<OutOfStock>()("OutOfStock", { product: Schema.String }) {}

export class PaymentDeclined
  extends Schema.TaggedError<PaymentDeclined>()("PaymentDeclined", { orderId: Schema.String })
{}

export interface Order {
  readonly orderId: string
  readonly product: string
  readonly quantity: number
  readonly card: string
}

export class Warehouse extends Context.Service<Warehouse, {
  readonly reserve: (order: Order) => Effect.Effect<void, OutOfStock>
  readonly release: (order: Order) => Effect.Effect<void>
  readonly charge: (order: Order) => Effect.Effect<void, PaymentDeclined>
  /** Gives the number of the parcel. */
  readonly ship: (order: Order) => Effect.Effect<string>
}>()("example/Warehouse") {
  static readonly layer = Layer.effect(
    Warehouse,
    Effect.gen(function*() {
      const sql = yield* OracleClient.OracleClient
      /** Runs a step the first time that it is asked for. */
      const once = <E>(step: string, { orderId }: Order, run: Effect.Effect<unknown, E>) =>
        sql`insert into order_steps (order_id, step) values (${orderId}, ${step})`.pipe(
          Effect.andThen(run),
          sql.withTransaction,
          Effect.asVoid,
          Effect.catchIf(
            isSqlError,
            (error) => error.reason._tag === "UniqueViolation" ? Effect.void : Effect.die(error)
          )
        )
      return Warehouse.of({
        reserve: (order) =>
          once(
            "reserve",
            order,
            Effect.gen(function*() {
              const [stock] = yield* sql<{ readonly onHand: number }>`
                select on_hand as "onHand" from stock where product = ${order.product} for update`
              if ((stock?.onHand ?? 0) < order.quantity) return yield* new OutOfStock({ product: order.product })
              yield* sql`update stock set on_hand = on_hand - ${order.quantity} where product = ${order.product}`
            })
          ),
        release: (order) =>
          once(
            "release",
            order,
            sql`update stock set on_hand = on_hand + ${order.quantity} where product = ${order.product}`
          ),
        charge: (order) =>
          once(
            "charge",
            order,
            order.card === "declined" ? Effect.fail(new PaymentDeclined({ orderId: order.orderId })) : Effect.void
          ),
        ship: (order) => Effect.as(once("ship", order, Effect.void), `parcel of ${order.orderId}`)
      })
    })
  )
}

/** The tables of the warehouse. */
export const migrations = OracleMigrator.fromRecord({
  "1_stock": Effect.flatMap(
    OracleClient.OracleClient,
    (sql) => sql`create table stock (product varchar2(50) primary key, on_hand number not null check (on_hand >= 0))`
  ),
  "2_order_steps": Effect.flatMap(OracleClient.OracleClient, (sql) =>
    sql`create table order_steps (
      order_id varchar2(50) not null,
      step varchar2(10) not null,
      primary key (order_id, step)
    )`)
})
