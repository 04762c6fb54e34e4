/**
 * The span of a statement of `effect/sql`, with what a span of a direct call has.
 *
 * `effect/sql` makes the span itself: it names it after the server and writes the statement into it as it is. A tracer that stands before
 * the program's own while a statement runs gives that one span its name and its text without literals; all other spans it passes on.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Tracer from "effect/Tracer"
import { describeOutcome, describeStatement } from "./tracing.ts"

type SpanOptions = Parameters<Tracer.Tracer["span"]>[0]

const textAttribute = "db.query.text"

class StatementTracer implements Tracer.Tracer {
  readonly context: Tracer.Tracer["context"]
  readonly #tracer: Tracer.Tracer
  readonly #attributes: Record<string, unknown>
  #span: Tracer.Span | undefined = undefined

  constructor(tracer: Tracer.Tracer, sql: string) {
    this.#tracer = tracer
    this.#attributes = describeStatement(sql)
    this.context = tracer.context?.bind(tracer)
  }

  span(options: SpanOptions): Tracer.Span {
    if (this.#span !== undefined) return this.#tracer.span(options)
    const span = this.#tracer.span({ ...options, name: String(this.#attributes["db.query.summary"]) })
    this.#span = span
    const write = span.attribute
    // A transformer of statements may have put another text in the place of the one that named the span.
    span.attribute = (key, value) =>
      key === textAttribute && typeof value === "string"
        ? this.add(describeStatement(value), write)
        : write.call(span, key, value)
    return span
  }

  add(attributes: Record<string, unknown>, write = this.#span?.attribute): void {
    for (const [key, value] of Object.entries(attributes)) write?.call(this.#span, key, value)
  }

  /** What is known once the session is. */
  describeSession(attributes: Record<string, unknown>, batchSize: number | undefined): void {
    this.add(batchSize === undefined ? attributes : { ...attributes, "db.operation.batch.size": batchSize })
  }

  describeOutcome(exit: Exit.Exit<unknown, unknown>): void {
    if (this.#span !== undefined) describeOutcome(this.#span, exit)
  }
}

/** The tracer under which a statement of `effect/sql` runs; none where there is no trace. */
export const statementTracer = (fiber: Fiber.Fiber<unknown, unknown>, sql: string): Tracer.Tracer | undefined => {
  const { span, tracer, tracerEnabled } = fiber.cache
  if (!tracerEnabled || (span === undefined && tracer === undefined)) return undefined
  return new StatementTracer(tracer ?? Tracer.nativeTracer, sql)
}

/** Puts what a session is, and how the call ended, into the span of the statement that runs on it. */
export const onSession = <A, E, R>(
  attributes: Record<string, unknown>,
  batchSize: number | undefined,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const { tracer } = fiber.cache
    if (!(tracer instanceof StatementTracer)) return effect
    tracer.describeSession(attributes, batchSize)
    return Effect.onExit(effect, (exit) => Effect.sync(() => tracer.describeOutcome(exit)))
  })

/** The same for a stream, whose end comes later than its session. */
export const streamEnded = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const { tracer } = fiber.cache
    if (tracer instanceof StatementTracer) tracer.describeOutcome(exit)
    return Effect.void
  })
