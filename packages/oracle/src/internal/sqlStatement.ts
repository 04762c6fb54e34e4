/**
 * Statements of the client: those of `effect/sql`, with spans of our own and with failures in place of defects.
 *
 * `effect/sql` compiles a statement when it runs, and takes what its compiler throws for a defect. What is wrong with a statement here, such
 * as an insert of no rows, is a failure like any other.
 */
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { misuse } from "./sqlReason.ts"
import { StatementError } from "./statementError.ts"
import { statementTracer } from "./statementSpan.ts"

type Rows<A> = Effect.Effect<ReadonlyArray<A>, SqlError>

class OracleStatement<A> extends Effectable.Class<ReadonlyArray<A>, SqlError> implements Statement.Statement<A> {
  readonly "~effect/sql/Statement/Fragment" = "~effect/sql/Statement/Fragment"
  readonly #statement: Statement.Statement<A>

  constructor(statement: Statement.Statement<A>) {
    super()
    this.#statement = statement
  }

  get segments(): ReadonlyArray<Statement.Segment> {
    return this.#statement.segments
  }

  asEffect(): Rows<A> {
    return this.#run((statement) => statement)
  }

  get raw(): Effect.Effect<unknown, SqlError> {
    return this.#run((statement) => statement.raw, true)
  }

  get withoutTransform(): Rows<A> {
    return this.#run((statement) => statement.withoutTransform, true)
  }

  get values(): Rows<ReadonlyArray<unknown>> {
    return this.#run((statement) => statement.values)
  }

  get valuesUnprepared(): Rows<ReadonlyArray<unknown>> {
    return this.#run((statement) => statement.valuesUnprepared)
  }

  get unprepared(): Rows<A> {
    return this.#run((statement) => statement.unprepared)
  }

  get stream(): Stream.Stream<A, SqlError> {
    return Stream.unwrap(Effect.withFiber((fiber) => {
      const text = this.#text(false)
      if (typeof text !== "string") return Effect.fail(text)
      const tracer = statementTracer(fiber, text)
      const { stream } = this.#statement
      return Effect.succeed(tracer === undefined ? stream : Stream.provideService(stream, Tracer.Tracer, tracer))
    }))
  }

  compile(withoutTransform?: boolean): readonly [sql: string, params: ReadonlyArray<unknown>] {
    return this.#statement.compile(withoutTransform)
  }

  override toJSON(): unknown {
    const [sql, params] = this.compile()
    return { _id: "Statement", segments: this.segments, sql, params }
  }

  /** The text, or why there is none. */
  #text(isPlain: boolean): string | SqlError {
    try {
      return this.#statement.compile(isPlain)[0]
    } catch (thrown) {
      if (!(thrown instanceof StatementError)) throw thrown
      return misuse(thrown)
    }
  }

  #run<B>(
    run: (statement: Statement.Statement<A>) => Effect.Effect<B, SqlError>,
    isPlain = false
  ): Effect.Effect<B, SqlError> {
    return Effect.withFiber((fiber) => {
      const text = this.#text(isPlain)
      if (typeof text !== "string") return Effect.fail(text)
      const tracer = statementTracer(fiber, text)
      const effect = run(this.#statement)
      return tracer === undefined ? effect : Effect.withTracer(effect, tracer)
    })
  }
}

/** A constructor of statements of this module from one of `effect/sql`; everything else that it makes stays as it is. */
export const withStatements = <C extends Statement.Constructor>(client: C): C => {
  const constructor = (first: string | TemplateStringsArray, ...rest: ReadonlyArray<unknown>): unknown =>
    typeof first === "string" ? client(first) : new OracleStatement(client(first, ...rest))
  const unsafe: Statement.Constructor["unsafe"] = (text, params) => new OracleStatement(client.unsafe(text, params))
  return Object.assign(constructor, client, { unsafe }) as C
}
