/**
 * What a queue and its messages are given, and what is wrong with it. Everything is looked at before anything is sent: a wrong value that
 * is found when a message is taken already would cost that message an attempt.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { OracleConnection } from "../OracleConnection.ts"
import type { OracleError } from "../OracleError.ts"
import { durationOf } from "./fieldKinds.ts"
import type { OutgoingMessage, Selection } from "./queueCalls.ts"
import { kindOf, refusal, wrongArgument } from "./refusal.ts"

const greatest = 2 ** 31 - 1

/** How long one dequeue waits at the server unless told otherwise, in seconds. */
const usualWait = 5
const longestWait = 3600

/** The database counts whole seconds. */
const secondsOf = (given: unknown): number => {
  const duration = durationOf(given)
  return duration === undefined ? Number.NaN : Math.ceil(Duration.toMillis(duration) / 1000)
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const payloadProblem = (payload: unknown): OracleError | undefined => {
  const { kind, name, schema }: Readonly<Record<string, unknown>> = isObject(payload) ? payload : {}
  if (kind !== "raw" && kind !== "json" && kind !== "object") {
    return wrongArgument("queue", "The payload of a queue", "OracleQueue.raw, json or object", payload)
  }
  if (!Schema.isSchema(schema)) return wrongArgument("queue", "The schema of a payload", "a Schema", schema)
  return kind === "object" && (typeof name !== "string" || name.trim() === "")
    ? wrongArgument("queue", "The name of an object type", "a text that is not empty", name)
    : undefined
}

/** What is wrong with a pool and the options of a queue over it. */
export const queueProblem = (pool: unknown, options: unknown): OracleError | undefined => {
  if (!isObject(pool) || typeof pool["use"] !== "function") {
    return wrongArgument("queue", "What a queue is over", "a pool of OracleSessionPool", pool)
  }
  if (!isObject(options)) return wrongArgument("queue", "The options", "an object", options)
  const { payload, queue, reconnect, wait } = options
  if (typeof queue !== "string" || queue.trim() === "") {
    return wrongArgument("queue", "The name of a queue", "a text that is not empty", queue)
  }
  const seconds = wait === undefined ? usualWait : secondsOf(wait)
  if (!(seconds >= 1 && seconds <= longestWait)) {
    return refusal("queue", "The option wait must be a duration of 1 second to 1 hour.")
  }
  if (reconnect !== undefined && !Schedule.isSchedule(reconnect)) {
    return wrongArgument("queue", "The option reconnect", "a Schedule", reconnect)
  }
  return payloadProblem(payload)
}

/** How long one dequeue waits, in whole seconds. */
export const waitOf = (wait: unknown): number => wait === undefined ? usualWait : secondsOf(wait)

/** The options of a message as the driver has them, or what is wrong with them. */
export const outgoing = (options: unknown): Omit<OutgoingMessage, "payload"> | OracleError => {
  if (options === undefined) return {}
  if (!isObject(options)) return wrongArgument("enqueue", "The options of a message", "an object", options)
  const { correlation, exceptionQueue, priority } = options
  const seconds: { delay?: number; expiration?: number } = {}
  for (const name of ["delay", "expiration"] as const) {
    const given = options[name]
    if (given === undefined) continue
    const value = secondsOf(given)
    if (name === "expiration" && value === Infinity) continue
    if (!(value >= 0 && value <= greatest)) {
      return refusal("enqueue", `The option ${name} must be a duration of 0 to ${greatest} seconds: nothing was sent.`)
    }
    seconds[name] = value
  }
  if (priority !== undefined && !(Number.isInteger(priority) && Math.abs(Number(priority)) <= greatest)) {
    const shown = typeof priority === "number" ? String(priority) : kindOf(priority)
    return refusal(
      "enqueue",
      `The option priority must be a whole number from -${greatest} to ${greatest}, not ${shown}: nothing was sent.`
    )
  }
  if (correlation !== undefined && typeof correlation !== "string") {
    return wrongArgument("enqueue", "The option correlation", "a text", correlation)
  }
  if (exceptionQueue !== undefined && (typeof exceptionQueue !== "string" || exceptionQueue.trim() === "")) {
    return wrongArgument("enqueue", "The option exceptionQueue", "a text that is not empty", exceptionQueue)
  }
  return {
    ...seconds,
    ...(priority !== undefined && { priority: Number(priority) }),
    ...(correlation !== undefined && { correlation }),
    ...(exceptionQueue !== undefined && { exceptionQueue })
  }
}

/** What is wrong with what sends: a connection, and the values to be sent. */
export const senderProblem = (connection: unknown, values: unknown): OracleError | undefined => {
  if (!(connection instanceof OracleConnection)) {
    return wrongArgument("enqueue", "What a message is sent on", "an OracleConnection", connection)
  }
  return isObject(values) && Symbol.iterator in values
    ? undefined
    : wrongArgument("enqueue", "The messages", "an array, or another iterable", values)
}

const selectionProblem = (selection: unknown): OracleError | undefined => {
  if (!isObject(selection)) return wrongArgument("dequeue", "The options of a take", "an object", selection)
  for (const name of ["correlation", "condition"]) {
    const given = selection[name]
    if (given !== undefined && (typeof given !== "string" || given.trim() === "")) {
      return wrongArgument("dequeue", `The option ${name}`, "a text that is not empty", given)
    }
  }
  return undefined
}

/** What is wanted, once it is known to be something; what is wrong with it fails. */
export const wanted = (selection: unknown): Effect.Effect<Selection, OracleError> => {
  const problem = selectionProblem(selection)
  return problem === undefined ? Effect.succeed(selection as Selection) : Effect.fail(problem)
}

/** The same with what is to be done with a message. */
export const wantedFor = (f: unknown, selection: unknown): Effect.Effect<Selection, OracleError> =>
  typeof f === "function"
    ? wanted(selection)
    : Effect.fail(wrongArgument("dequeue", "What is done with a message", "a function that gives an effect", f))
