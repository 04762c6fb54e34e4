/** An order as a durable workflow: every step is remembered, so it goes on in another process where its own one has died. */
import { Effect, Schema } from "effect"
import { Activity, DurableClock, Workflow } from "effect/workflow"
import { OutOfStock, PaymentDeclined, Warehouse } from "./Warehouse.ts"

/** Two executions for one order are the same execution. */
export const PlaceOrder = Workflow.make("PlaceOrder", {
  payload: {
    orderId: Schema.String,
    product: Schema.String,
    quantity: Schema.Number,
    card: Schema.String
  },
  idempotencyKey: ({ orderId }) => orderId,
  success: Schema.String,
  error: Schema.Union([OutOfStock, PaymentDeclined])
})

/** How long a parcel takes to be packed. */
const packing = "3 seconds"

/** Serves the workflow: reserves, charges, waits, ships; gives back what is reserved when the payment fails. */
export const PlaceOrderLive = PlaceOrder.toLayer((order) =>
  Effect.gen(function*() {
    const warehouse = yield* Warehouse
    yield* Activity.make({ name: "Reserve", error: OutOfStock, execute: warehouse.reserve(order) }).pipe(
      PlaceOrder.withCompensation(() => warehouse.release(order))
    )
    yield* Activity.make({ name: "Charge", error: PaymentDeclined, execute: warehouse.charge(order) })
    yield* DurableClock.sleep({ name: "Packing", duration: packing, inMemoryThreshold: 0 })
    return yield* Activity.make({ name: "Ship", success: Schema.String, execute: warehouse.ship(order) })
  })
)
