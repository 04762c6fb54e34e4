/**
 * Queues inside the database: Advanced Queuing and transactional event queues.
 *
 * A message is part of a transaction, as a row is: it is there for others when the sender commits, and gone when the taker does. What
 * was not committed comes again, and ends in an exception queue when it fails too often. `docs/queues.md` has the whole.
 *
 * This module takes and gives messages; it makes no queues (`DBMS_AQADM` does), and knows queues for one consumer.
 *
 * @since 0.3.0
 */
import type { PoolError } from "@sessionpool/core"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { CallError } from "./internal/driverCaller.ts"
import { listenersOf } from "./internal/listenerSessions.ts"
import type { MessageDecodeError } from "./internal/messageDecodeError.ts"
import { enqueue } from "./internal/queueCalls.ts"
import { outgoing, queueProblem, senderProblem, waitOf, wanted, wantedFor } from "./internal/queueOptions.ts"
import type { PayloadType } from "./internal/queuePayload.ts"
import { defaultReconnect, messages, pollOne, type ReceivedMessage, takeOne } from "./internal/queueTakes.ts"
import type { ValueSchema } from "./OracleBind.ts"
import type { OracleConnection } from "./OracleConnection.ts"
import type { OracleError } from "./OracleError.ts"
import { OracleSessionPool } from "./OracleSessionPool.ts"

export { MessageDecodeError } from "./internal/messageDecodeError.ts"

/**
 * What the messages of a queue carry: a kind of payload, which the queue table has, and a schema.
 *
 * @see {@link raw}, {@link json} and {@link object}, which make one
 * @category payloads
 * @since 0.3.0
 */
export interface Payload<in out A> extends PayloadType<A> {}

/**
 * Bytes: the payload of a queue table of `RAW`. The schema's encoded side is a `Uint8Array`.
 *
 * **When to use**
 *
 * Use it for queues of RAW, such as those that programs in other languages share. Without a schema, values are bytes.
 *
 * **Example** (Texts in UTF-8)
 *
 * ```ts
 * import { OracleQueue } from "@sessionpool/oracle"
 * import { Schema, SchemaTransformation } from "effect"
 *
 * const Utf8 = Schema.Uint8Array.pipe(Schema.decodeTo(Schema.String, SchemaTransformation.transform({
 *   decode: (bytes) => new TextDecoder().decode(bytes),
 *   encode: (text) => new TextEncoder().encode(text)
 * })))
 *
 * const payload = OracleQueue.raw(Utf8)
 * ```
 *
 * @category payloads
 * @since 0.3.0
 */
export const raw: {
  (): Payload<Uint8Array>
  <A>(schema: Schema.Codec<A, Uint8Array>): Payload<A>
} = <A>(schema?: Schema.Codec<A, Uint8Array>): Payload<A> => ({
  kind: "raw",
  name: undefined,
  schema: schema ?? Schema.Uint8Array as unknown as Schema.Codec<A, Uint8Array>
})

/**
 * JSON: the payload of a queue table of `JSON` (21c on). Values go through the schema's form for JSON, so that dates and the like come back
 * as they went.
 *
 * **When to use**
 *
 * Use it for queues that programs with JSON share; it is the payload to choose where none is given.
 *
 * **Example** (Orders)
 *
 * ```ts
 * import { OracleQueue } from "@sessionpool/oracle"
 * import { Schema } from "effect"
 *
 * const payload = OracleQueue.json(Schema.Struct({ id: Schema.Number, at: Schema.Date }))
 * ```
 *
 * @category payloads
 * @since 0.3.0
 */
export const json = <A, E>(schema: Schema.Codec<A, E>): Payload<A> => ({
  kind: "json",
  name: undefined,
  schema: Schema.toCodecJson(schema) as ValueSchema<A>
})

/**
 * An object type of `CREATE TYPE`, as `OracleBind.object` has it: its attributes are named as columns are.
 *
 * **When to use**
 *
 * Use it for queues whose table has an object type, such as those that PL/SQL enqueues to.
 *
 * **Gotchas**
 *
 * The type is looked up once for each session, in a round trip of its own.
 *
 * **Example** (Parcels)
 *
 * ```ts
 * import { OracleQueue } from "@sessionpool/oracle"
 * import { Schema } from "effect"
 *
 * const payload = OracleQueue.object("PARCEL", Schema.Struct({ WEIGHT: Schema.Number, LABEL: Schema.String }))
 * ```
 *
 * @category payloads
 * @since 0.3.0
 */
export const object = <A>(name: string, schema: ValueSchema<A>): Payload<A> => ({ kind: "object", name, schema })

/**
 * How a message is sent.
 *
 * **Details**
 *
 * - `delay`: how long it is held back. Default: not at all.
 * - `expiration`: how long, after the delay, it may wait for a taker before it goes to its exception queue. Default: for good.
 * - `priority`: less is earlier, in a queue table whose `sort_list` has PRIORITY. Default 0.
 * - `correlation`: a text by which takers can choose, at most 128 characters.
 * - `exceptionQueue`: where it goes when it expires or fails too often. Default: the one of its queue table.
 *
 * **Gotchas**
 *
 * The database counts whole seconds: durations are rounded up to them.
 *
 * **Example** (Tomorrow, before the others)
 *
 * ```ts
 * import type { OracleQueue } from "@sessionpool/oracle"
 *
 * const options: OracleQueue.OfferOptions = { delay: "1 day", priority: -1, correlation: "reminder" }
 * ```
 *
 * @category models
 * @since 0.3.0
 */
export interface OfferOptions {
  readonly delay?: Duration.Input | undefined
  readonly expiration?: Duration.Input | undefined
  readonly priority?: number | undefined
  readonly correlation?: string | undefined
  readonly exceptionQueue?: string | undefined
}

/**
 * Which messages are taken: those whose correlation is this one (`%` and `_` stand for any characters), or that a condition of SQL holds
 * for, in which `tab` is the queue table, as in `tab.priority < 3`. Never put a value of a user into a condition.
 *
 * @category models
 * @since 0.3.0
 */
export interface TakeOptions {
  readonly correlation?: string | undefined
  readonly condition?: string | undefined
}

/**
 * A message that was taken. `attempts` says how often it was rolled back before; `id` is its id in hexadecimal digits.
 *
 * @category models
 * @since 0.3.0
 */
export interface Message<out A> extends ReceivedMessage<A> {}

/**
 * What taking from a queue fails with by itself.
 *
 * @category errors
 * @since 0.3.0
 */
export type TakeFailure<OE = OracleSessionPool.Failure> = PoolError.AcquireError | OE | CallError | MessageDecodeError

/**
 * What sending to a queue fails with.
 *
 * @category errors
 * @since 0.3.0
 */
export type OfferFailure<OE = OracleSessionPool.Failure> = PoolError.AcquireError | OE | CallError

/**
 * Sends within the transaction of a connection: the messages are there when that commits.
 *
 * @category models
 * @since 0.3.0
 */
export interface Sender<in A> {
  readonly offer: (value: A, options?: OfferOptions) => Effect.Effect<string, CallError>
  readonly offerAll: (values: Iterable<A>, options?: OfferOptions) => Effect.Effect<ReadonlyArray<string>, CallError>
}

/**
 * A queue with messages of the type `A`.
 *
 * **Details**
 *
 * `offer` and `offerAll` send and commit on a session of the pool; `on(connection)` sends in a transaction of yours. Both give ids.
 *
 * Takers wait on sessions of their own, outside of the pool's `max`; `pool.statistics` shows them as `dedicated`, and they end with the
 * pool. When such a session is lost while nothing was taken, the taker waits on another one.
 *
 * **Gotchas**
 *
 * A message is handled at least once: a commit whose answer is lost, and a process that dies after its work, may let it come again.
 *
 * @category models
 * @since 0.3.0
 */
export interface OracleQueue<in out A, out OE = OracleSessionPool.Failure> {
  readonly name: string
  readonly offer: (value: A, options?: OfferOptions) => Effect.Effect<string, OfferFailure<OE>>
  /** All of them or none, in one round trip and a commit. */
  readonly offerAll: (
    values: Iterable<A>,
    options?: OfferOptions
  ) => Effect.Effect<ReadonlyArray<string>, OfferFailure<OE>>
  readonly on: (connection: OracleConnection) => Sender<A>
  /**
   * Waits for a message and runs `f` on it. Dequeue, what `f` does on its connection, and commit are one transaction: it is rolled
   * back when `f` fails or is interrupted, and the message comes again. A database that is down, or says nothing, is waited for.
   */
  readonly take: <B, E, R>(
    f: (message: Message<A>, connection: OracleConnection) => Effect.Effect<B, E, R>,
    options?: TakeOptions
  ) => Effect.Effect<B, E | TakeFailure<OE>, R>
  /**
   * The same without waiting: none when no message is there now. It fails when no session can be opened, and when three were lost one after the
   * other.
   */
  readonly poll: <B, E, R>(
    f: (message: Message<A>, connection: OracleConnection) => Effect.Effect<B, E, R>,
    options?: TakeOptions
  ) => Effect.Effect<Option.Option<B>, E | TakeFailure<OE>, R>
  /**
   * Messages one after the other, without end. Each is committed when the next one is asked for or the stream ends in success, and
   * rolled back when it fails or is interrupted; so do not buffer it.
   */
  readonly stream: (options?: TakeOptions) => Stream.Stream<Message<A>, TakeFailure<OE>>
}

/**
 * Options of a queue.
 *
 * **Details**
 *
 * - `queue`: its name, `[SCHEMA.]NAME`, in capitals unless quoted.
 * - `payload`: {@link raw}, {@link json} or {@link object}, as its queue table has it.
 * - `wait`: how long one dequeue waits at the server before it is asked again, in whole seconds from 1 to 3600. Default 5 seconds. A taker
 *   waits for as long as it takes; this is how often its session can be checked and replaced.
 * - `reconnect`: the pauses before a taker whose session was lost waits on another one. Default: from 100 ms, doubled up to 5 seconds,
 *   jittered, without end.
 *
 * **Example** (A queue of JSON)
 *
 * ```ts
 * import { OracleQueue } from "@sessionpool/oracle"
 * import { Schema } from "effect"
 *
 * const options = { queue: "ORDERS", payload: OracleQueue.json(Schema.Struct({ id: Schema.Number })) }
 * ```
 *
 * @category models
 * @since 0.3.0
 */
export interface Options<in out A> {
  readonly queue: string
  readonly payload: Payload<A>
  readonly wait?: Duration.Input | undefined
  readonly reconnect?: Schedule.Schedule<unknown> | undefined
}

const isError = (value: object): value is OracleError => "_tag" in value

/**
 * A queue over an existing pool.
 *
 * **When to use**
 *
 * Use it where you have a pool as a value, such as the one of an `OracleClient`.
 *
 * **Gotchas**
 *
 * A pool that was not made by `OracleSessionPool`, such as the sandbox of a test, has no sessions outside of its `max`: takers then take
 * their sessions from it.
 *
 * **Example** (A queue beside a client)
 *
 * ```ts
 * import { OracleClient, OracleQueue } from "@sessionpool/oracle"
 * import { Effect, Schema } from "effect"
 *
 * const orders = Effect.flatMap(OracleClient.OracleClient, ({ pool }) =>
 *   OracleQueue.fromPool(pool, { queue: "ORDERS", payload: OracleQueue.json(Schema.Struct({ id: Schema.Number })) }))
 * ```
 *
 * @see {@link make} for the pool of the context
 * @category constructors
 * @since 0.3.0
 */
export const fromPool = <A, OE>(
  pool: OracleSessionPool.Pool<OE>,
  options: Options<A>
): Effect.Effect<OracleQueue<A, OE>, OracleError> =>
  Effect.suspend(() => {
    const problem = queueProblem(pool, options)
    if (problem !== undefined) return Effect.fail(problem)
    const { payload, queue: name } = options
    const target = { name, payload }
    const waiting = {
      sessions: listenersOf(pool),
      target,
      seconds: waitOf(options.wait),
      reconnect: options.reconnect ?? defaultReconnect
    }
    const send = (connection: OracleConnection, values: Iterable<A>, sending: OfferOptions | undefined) =>
      Effect.suspend(() => {
        const wrong = senderProblem(connection, values)
        if (wrong !== undefined) return Effect.fail(wrong)
        const given = outgoing(sending)
        if (isError(given)) return Effect.fail(given)
        const all = Array.from(values, (value) => ({ value, options: given }))
        return all.length === 0 ? Effect.succeed([]) : enqueue(connection, target, all)
      })
    const on = (connection: OracleConnection): Sender<A> => ({
      offer: (value, sending) => Effect.map(send(connection, [value], sending), ([id]) => id!),
      offerAll: (values, sending) => send(connection, values, sending)
    })
    const alone = <B>(f: (sender: Sender<A>) => Effect.Effect<B, CallError>) =>
      pool.use((connection) => connection.withTransaction(f(on(connection))))
    return Effect.succeed<OracleQueue<A, OE>>({
      name,
      on,
      offer: (value, sending) => alone((sender) => sender.offer(value, sending)),
      offerAll: (values, sending) => alone((sender) => sender.offerAll(values, sending)),
      take: (f, given = {}) =>
        Effect.flatMap(wantedFor(f, given), (selection) => takeOne({ ...waiting, selection }, f)),
      poll: (f, given = {}) =>
        Effect.flatMap(wantedFor(f, given), (selection) => pollOne({ ...waiting, selection }, f)),
      stream: (given = {}) =>
        Stream.unwrap(Effect.map(wanted(given), (selection) => messages({ ...waiting, selection })))
    })
  })

/**
 * A queue over the pool of the context.
 *
 * **When to use**
 *
 * Use it for queues that a program sends to and takes from.
 *
 * **Example** (Work as messages)
 *
 * ```ts
 * import { OracleQueue } from "@sessionpool/oracle"
 * import { Effect, Schema } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const orders = yield* OracleQueue.make({
 *     queue: "ORDERS",
 *     payload: OracleQueue.json(Schema.Struct({ id: Schema.Number }))
 *   })
 *   yield* orders.offer({ id: 7 }, { delay: "10 seconds" })
 *   yield* orders.take((order, connection) =>
 *     connection.execute("update orders set state = 'SENT' where id = :id", { id: order.value.id })
 *   )
 * })
 * ```
 *
 * @see {@link layer} for a queue as a service
 * @category constructors
 * @since 0.3.0
 */
export const make = <A>(options: Options<A>): Effect.Effect<OracleQueue<A>, OracleError, OracleSessionPool> =>
  Effect.flatMap(OracleSessionPool, (pool) => fromPool(pool, options))

/**
 * A queue as the service of a tag.
 *
 * **When to use**
 *
 * Use it where a queue is one of the services of a program, and is to be replaced in tests.
 *
 * **Example** (A queue as a service)
 *
 * ```ts
 * import { OracleQueue } from "@sessionpool/oracle"
 * import { Context, Schema } from "effect"
 *
 * const Order = Schema.Struct({ id: Schema.Number })
 *
 * class Orders extends Context.Service<Orders, OracleQueue.OracleQueue<typeof Order.Type>>()("app/Orders") {}
 *
 * const layer = OracleQueue.layer(Orders, { queue: "ORDERS", payload: OracleQueue.json(Order) })
 * ```
 *
 * @category layers
 * @since 0.3.0
 */
export const layer = <Id, A>(
  tag: Context.Key<Id, OracleQueue<A>>,
  options: Options<A>
): Layer.Layer<Id, OracleError, OracleSessionPool> => Layer.effect(tag, make(options))
