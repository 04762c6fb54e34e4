/** Function calls: those whose types depend on their arguments by name, all others from the library's table. */
import type { Frame } from "../execute/frame.ts"
import { inPieces } from "../execute/turns.ts"
import type { FunctionDef } from "../functions/functionDef.ts"
import { callOf, library, piecesOf } from "../functions/library.ts"
import type { Call } from "../syntax/ast.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import {
  BINARY_DOUBLE,
  BLOB,
  BOOLEAN,
  CLOB,
  DATE,
  INTERVAL_DS,
  INTERVAL_YM,
  JSON_TYPE,
  type Kind,
  kindOf,
  NUMBER,
  raw,
  ROWID,
  timestamp,
  timestampLtz,
  timestampTz,
  varchar2
} from "../values/sqlType.ts"
import { absent } from "./absentFunctions.ts"
import { compileAggregate, isAggregate } from "./aggregateCalls.ts"
import { cardinality, setOf } from "./collectionSets.ts"
import { type Compilation, type Routine } from "./compilation.ts"
import { constructorTerm, members, methodTerm, variableTerm } from "./composites.ts"
import { conversionCalls } from "./conversionCalls.ts"
import { isKnownIn } from "./functionReleases.ts"
import { stepTerm } from "./heavy.ts"
import { inspectionCalls } from "./inspectionCalls.ts"
import { jsonCalls } from "./jsonCalls.ts"
import { compileGeneration } from "./jsonGeneration.ts"
import { jsonTransform } from "./jsonTransform.ts"
import { documentMethod } from "./names.ts"
import { numericCalls } from "./numericCalls.ts"
import { convertTo } from "./operators.ts"
import { arity, type Special } from "./special.ts"
import { derived, type Scope, type Term } from "./term.ts"
import { groupFunctions, grouping, valueCalls } from "./valueCalls.ts"
import { vectorCalls, vectorWords } from "./vectorCalls.ts"

const kindType: Readonly<Record<Exclude<Kind, "null" | "cur" | "v" | "o">, SqlType>> = {
  n: NUMBER,
  f: BINARY_DOUBLE,
  c: varchar2(),
  r: raw(),
  d: DATE,
  t: timestamp(9),
  z: timestampTz(9),
  l: timestampLtz(9),
  y: INTERVAL_YM,
  s: INTERVAL_DS,
  b: BOOLEAN,
  lc: CLOB,
  lb: BLOB,
  j: JSON_TYPE,
  i: ROWID
}

const collectionCalls: Readonly<Record<string, Special>> = {
  CARDINALITY: (_c, expr, args) => {
    arity(expr, 1, 1)
    return cardinality(args[0]!, expr.at)
  },
  SET: (_c, expr, args) => {
    arity(expr, 1, 1)
    return setOf(args[0]!, expr.at)
  }
}

const specials: Readonly<Record<string, Special>> = {
  ...collectionCalls,
  ...valueCalls,
  ...conversionCalls,
  ...numericCalls,
  ...inspectionCalls,
  ...jsonCalls,
  ...vectorCalls,
  JSON_TRANSFORM: jsonTransform
}

/** Functions of the library that stand behind operators and other functions. */
const internal = new Set([
  "LIKE",
  "HASH",
  "AT_ZONE",
  "TRANSLATE_USING",
  "TO_NUMBER_FORMAT",
  "TO_FLOAT",
  "EXTRACT_REGION",
  "EXTRACT_ABBR"
])
const isInternal = (name: string): boolean =>
  internal.has(name) || /^[A-Z0-9]+_[NFTDZSY]$/.test(name) || /^[NFDTSYZ]_/.test(name)

export const compileCall = (c: Compilation, expr: Call, scope: Scope): Term => {
  if (expr.path.length === 1 && !isKnownIn(c.context.session.environment.release, expr.path[0]!)) {
    throw unknownCall(expr)
  }
  if (isAggregate(expr)) return compileAggregate(c, expr, scope)
  if (expr.path.length === 1 && groupFunctions.has(expr.path[0]!)) return grouping(c, expr, scope)
  if (expr.over !== undefined || expr.withinGroup !== undefined || expr.keep !== undefined) {
    throw unimplemented(`analytic ${expr.path.join(".")}`, expr.at)
  }
  const name = expr.path.join(".")
  if (name === "VALUE" && expr.args.length === 1) {
    const [alias] = expr.args
    if (alias?.kind === "name") return c.expr(c, { ...alias, path: [...alias.path, "OBJECT_VALUE"] }, scope)
  }
  if (expr.json !== undefined && (name === "JSON_OBJECT" || name === "JSON_ARRAY")) {
    return compileGeneration(c, expr, scope)
  }
  const words = vectorWords[name]
  if (words !== undefined) return words(c, expr, [], scope)
  const method = documentMethod(expr, scope)
  if (method !== undefined) return method
  const args = (): Array<Term> => expr.args.map((arg) => c.expr(c, arg, scope))
  const element = memberCall(c, expr, args, scope)
  if (element !== undefined) return element
  const special = specials[name]
  if (expr.onConversionError !== undefined && !(name in conversionCalls)) {
    throw unimplemented(`DEFAULT … ON CONVERSION ERROR of ${name}`, expr.at)
  }
  if (special !== undefined) {
    if (expr.names.some((n) => n !== undefined)) throw unimplemented(`named arguments of ${name}`, expr.at)
    return special(c, expr, args(), scope)
  }
  const block = c.context.blockCall?.(expr)
  if (block !== undefined) return stepTerm(c, [], name, block.returns, (f) => block.run(f))
  // Types of arguments tell overloads apart; they are compiled once.
  const terms = args()
  const routine = c.context.routine(expr.path, terms.map((term) => term.type), expr.names)
  if (routine !== undefined) return routineCall(c, expr, routine, terms)
  const trim = name === "TRIM"
    ? `TRIM_${expr.options["side"] ?? "BOTH"}`
    : name === "TRANSLATE" && expr.options["using"] !== undefined
    ? "TRANSLATE_USING"
    : name === "CHR" && expr.options["using"] !== undefined
    ? "NCHR"
    : name
  const def = library[trim]
  if (def !== undefined && !isInternal(name)) {
    return libraryCall(c, expr, trim, def, args())
  }
  if (absent.has(name) || expr.path[0]!.startsWith("DBMS_") || expr.path[0]!.startsWith("UTL_")) {
    throw unimplemented(name, expr.at)
  }
  throw unknownCall(expr)
}

const unknownCall = ({ at, path }: Call) =>
  oraError(904, `${path.map((part) => `"${part}"`).join(".")}: invalid identifier`, at)

/** `t(1)`, `r.list(2)`, `t.exists(3)` on variables and on columns; a type's constructor. */
const memberCall = (c: Compilation, expr: Call, args: () => Array<Term>, scope: Scope): Term | undefined => {
  const { at, path } = expr
  if (c.context.variable(path.slice(0, 1)) !== undefined || (path.length > 1 && isVariable(c, path))) {
    const element = variableTerm(c, path, args(), at)
    if (element !== undefined) return element
  }
  if (path.length > 2) {
    const column = methodColumn(c, path, scope)
    if (column !== undefined) return members(c, column, path.slice(2), args(), at)
  }
  const owner = path.length > 1 ? c.context.type?.(path.slice(0, -1))?.composite : undefined
  if (owner?.kind === "object") {
    // A static method.
    const method = methodTerm(c, owner, path.at(-1)!, undefined, args(), expr.names, at)
    if (method !== undefined) return method
  }
  const type = c.context.type?.(path)
  return type?.composite === undefined ? undefined : constructorTerm(c, type, args(), expr.names, at)
}

const isVariable = (c: Compilation, path: ReadonlyArray<string>): boolean =>
  c.context.variable(path.slice(0, 2)) !== undefined || c.context.variable(path.slice(0, 3)) !== undefined

/** The column of an object whose method is called: `t.column.method()`. */
const methodColumn = (c: Compilation, path: ReadonlyArray<string>, scope: Scope): Term | undefined => {
  for (let current: Scope | undefined = scope; current !== undefined; current = current.parent) {
    const known = current.sources.some((source) =>
      source.alias === path[0] && source.columns.some((column) => column.name === path[1])
    )
    if (known) return c.expr(c, { kind: "name", path: path.slice(0, 2), outer: false, at: 0 }, current)
  }
  return undefined
}

/** What may take long lets others work in between: in PL/SQL, where texts may be long, and of LOBs. */
const pieceCall = (c: Compilation, name: string, type: SqlType, def: FunctionDef, args: ReadonlyArray<Term>) => {
  if (c.context.blockCall === undefined && !args.some((arg) => kindOf(arg.type) === "lc")) return undefined
  const pieces = piecesOf<Frame>(def, args.map((arg) => arg.eval))
  return pieces === undefined ? undefined : stepTerm(c, args, name, type, (f) => inPieces(pieces(f), f.store.clock))
}

const libraryCall = (c: Compilation, expr: Call, name: string, def: FunctionDef, args: ReadonlyArray<Term>): Term => {
  arity(expr, def.min ?? def.params.length, def.rest === undefined ? def.params.length : Infinity)
  if (Object.keys(expr.options).some((key) => key !== "side" && key !== "using")) {
    throw unimplemented(`clauses of ${name}`, expr.at)
  }
  const converted = args.map((arg, i) => {
    const param = def.params[i] ?? def.rest!
    if (param === "any") return arg
    if (param === "c" && kindOf(arg.type) === "lc") return arg
    return convertTo(arg, kindType[param === "int" ? "n" : param as keyof typeof kindType], expr.at)
  })
  const type = typeof def.returns === "function" ? def.returns(args.map((arg) => arg.type)) : def.returns
  const term = pieceCall(c, name, type, def, converted) ??
    derived(converted, name, type, true, callOf(def, converted.map((arg) => arg.eval)))
  // Values of functions without arguments that differ each time must not be taken for equal.
  return type.name === "BOOLEAN" ? { ...term, condition: true } : term
}

const wrongArguments = (expr: Call): Error =>
  oraError(6553, `PLS-306: wrong number or types of arguments in call to '${expr.path.at(-1)}'`, expr.at)

/** What is given for each parameter of a routine, by position or by name. */
export const routineArguments = (
  expr: Call,
  { parameters }: Routine,
  args: ReadonlyArray<Term>
): ReadonlyArray<Term | undefined> => {
  if (args.length > parameters.length) throw wrongArguments(expr)
  return parameters.map((parameter, i) => {
    const named = expr.names.findIndex((n) => n === parameter.name.toUpperCase())
    const at = named >= 0 ? named : expr.names[i] === undefined && i < args.length ? i : -1
    if (at >= 0) return convertTo(args[at]!, parameter.type, expr.at)
    if (!parameter.optional) throw wrongArguments(expr)
    return undefined
  })
}

const routineCall = (c: Compilation, expr: Call, routine: Routine, args: ReadonlyArray<Term>): Term => {
  const given = routineArguments(expr, routine, args)
  return stepTerm(
    c,
    given.filter((term) => term !== undefined),
    expr.path.join("."),
    routine.returns,
    (f) => routine.run(f, given.map((term) => term?.eval(f)))
  )
}
