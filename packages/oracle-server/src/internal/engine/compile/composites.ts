/** Terms over values made of values: attributes, elements, methods of objects and collections, constructors and casts. */
import type { Eval, Frame } from "../execute/frame.ts"
import type { BinaryOp, Expr } from "../syntax/ast.ts"
import {
  type CollectionValue,
  compositeType,
  elementsOf,
  isSubtype,
  ListValue,
  MapValue,
  RecordValue,
  sameType,
  type Stored,
  typeName
} from "../values/composite.ts"
import type { CollectionType, CompositeType, ObjectType, SqlType } from "../values/dataTypes.ts"
import { fitComposite } from "../values/fit.ts"
import type { Key } from "../values/keyOrder.ts"
import { rescale } from "../values/numberArithmetic.ts"
import { type NumberValue, toInteger } from "../values/oracleNumber.ts"
import { type OraError, oraError } from "../values/oraError.ts"
import { BOOLEAN, kindOf, NUMBER } from "../values/sqlType.ts"
import type { Compilation } from "./compilation.ts"
import { queryResult, stepTerm } from "./heavy.ts"
import { comparison, convertTo, inconsistent } from "./operators.ts"
import { constant, derived, noSlots, type Scope, type Term, union } from "./term.ts"

const isBlock = (c: Compilation): boolean => c.context.blockCall !== undefined

const missing = (c: Compilation, name: string, at: number): OraError =>
  isBlock(c)
    ? oraError(6550, `PLS-00302: component '${name}' must be declared`, at)
    : oraError(904, `"${name}": invalid identifier`, at)

const wrongArguments = (c: Compilation, name: string, at: number): OraError =>
  isBlock(c)
    ? oraError(6550, `PLS-00306: wrong number or types of arguments in call to '${name}'`, at)
    : oraError(6553, `PLS-306: wrong number or types of arguments in call to '${name}'`, at)

export const uninitialized = (): OraError => oraError(6531, "Reference to uninitialized collection")

/** What stands in the parentheses of a collection: a whole number, or a text. */
export const keyOfValue = (value: Stored): Key => {
  if (value === null) throw oraError(6502, "PL/SQL: value or conversion error: NULL index table key value")
  if (typeof value !== "object") return value
  const whole = toInteger(rescale(value as NumberValue, 0, false))
  if (whole === undefined) throw oraError(1426, "numeric overflow")
  return whole
}

export const keyType = (type: CollectionType): SqlType => type.key ?? NUMBER

const attributeTerm = (of: Term, index: number, type: SqlType, name: string): Term => {
  const { eval: get } = of
  return derived([of], `.${name}`, type, true, (f) => {
    const value = get(f)
    return value === null ? null : (value as RecordValue).values[index]!
  })
}

const collectionOf = (of: Term): (f: Frame) => CollectionValue => {
  const { eval: get } = of
  return (f) => {
    const value = get(f)
    if (value === null) throw uninitialized()
    return value as CollectionValue
  }
}

/** A method of collections that gives a value; undefined when there is none of this name. */
const collectionMethod = (
  c: Compilation,
  of: Term,
  type: CollectionType,
  name: string,
  args: ReadonlyArray<Term>,
  at: number
): Term | undefined => {
  const get = collectionOf(of)
  const arity = (count: number): void => {
    if (args.length !== count) throw wrongArguments(c, name, at)
  }
  const key = (): Eval => convertTo(args[0]!, keyType(type), at).eval
  switch (name) {
    case "COUNT":
      arity(0)
      return derived([of], "count", NUMBER, false, (f) => get(f).count)
    case "LIMIT":
      arity(0)
      return derived([of], "limit", NUMBER, true, (f) => get(f).type.limit ?? null)
    case "FIRST":
      arity(0)
      return derived([of], "first", keyType(type), true, (f) => get(f).first)
    case "LAST":
      arity(0)
      return derived([of], "last", keyType(type), true, (f) => get(f).last)
    case "NEXT":
    case "PRIOR": {
      arity(1)
      const at_ = key()
      const next = name === "NEXT"
      return derived([of, args[0]!], name, keyType(type), true, (f) => {
        const collection = get(f)
        const value = at_(f)
        if (value === null) return null
        const from = keyOfValue(value)
        return next ? collection.next(from) : collection.prior(from)
      })
    }
    case "EXISTS": {
      arity(1)
      const at_ = key()
      const { eval: maybe } = of
      return derived([of, args[0]!], name, BOOLEAN, false, (f) => {
        const collection = maybe(f) as CollectionValue | null
        const value = at_(f)
        return collection !== null && value !== null && collection.exists(keyOfValue(value)) ? 1 : 0
      }, { condition: true })
    }
    default:
      return undefined
  }
}

/** A call of a method, with SELF before its arguments where it takes one. */
export const methodTerm = (
  c: Compilation,
  type: ObjectType,
  name: string,
  self: Term | undefined,
  args: ReadonlyArray<Term>,
  names: ReadonlyArray<string | undefined>,
  at: number
): Term | undefined => {
  const routine = c.context.method?.(type, name, args.map((arg) => arg.type), names, self?.exactly === true)
  if (routine === undefined) return undefined
  const given = routine.parameters.map((parameter, i) => {
    const named = names.indexOf(parameter.name)
    const term = named >= 0 ? args[named] : names[i] === undefined ? args[i] : undefined
    return term === undefined ? undefined : convertTo(term, parameter.type, at)
  })
  const parts = [...self === undefined ? [] : [self], ...given.filter((term) => term !== undefined)]
  return stepTerm(
    c,
    parts,
    `${typeName(type)}.${name}`,
    routine.returns,
    (f) => routine.run(f, [...self === undefined ? [] : [self.eval(f)], ...given.map((term) => term?.eval(f))])
  )
}

/** The one of two types that the other one stands under; undefined when they are no objects of one kind. */
const commonType = (a: CompositeType | undefined, b: CompositeType | undefined): ObjectType | undefined => {
  if (a?.kind !== "object" || b?.kind !== "object") return undefined
  return isSubtype(a, b) ? b : isSubtype(b, a) ? a : undefined
}

/** A comparison of objects by their MAP or ORDER method; undefined when they have none. */
export const objectComparison = (
  c: Compilation,
  op: BinaryOp,
  left: Term,
  right: Term,
  at: number
): Term | undefined => {
  const type = commonType(left.type.composite, right.type.composite)
  if (type === undefined) return undefined
  const order = c.context.order?.(type)
  if (order === undefined) {
    if (op === "=" || op === "<>") return undefined
    throw oraError(22950, "cannot ORDER objects without MAP or ORDER method", at)
  }
  if (order.kind === "map") {
    const map = (of: Term): Term => methodTerm(c, type, order.name, of, [], [], at)!
    return comparison(op, map(left), map(right), at)
  }
  return comparison(op, methodTerm(c, type, order.name, left, [right], [], at)!, constant(0, NUMBER), at)
}

/** `of.name` or `of.name(args)`. */
export const memberTerm = (
  c: Compilation,
  of: Term,
  name: string,
  args: ReadonlyArray<Term> | undefined,
  at: number
): Term => {
  const { composite } = of.type
  if (composite === undefined) throw missing(c, name, at)
  if (composite.kind === "collection") {
    const method = collectionMethod(c, of, composite, name, args ?? [], at)
    if (method === undefined) throw missing(c, name, at)
    return method
  }
  const index = composite.attributes.findIndex((attribute) => attribute.name === name)
  if (index < 0) {
    const method = composite.kind === "object" ? methodTerm(c, composite, name, of, args ?? [], [], at) : undefined
    if (method === undefined) throw missing(c, name, at)
    return method
  }
  const field = attributeTerm(of, index, composite.attributes[index]!.type, name)
  return args === undefined ? field : elementTerm(c, field, args, at)
}

/** `of(arg)`. */
export const elementTerm = (c: Compilation, of: Term, args: ReadonlyArray<Term>, at: number): Term => {
  const { composite } = of.type
  if (composite?.kind !== "collection") {
    throw isBlock(c)
      ? oraError(6550, "PLS-00224: object must be of type function or array to be used this way", at)
      : oraError(904, "invalid identifier", at)
  }
  if (args.length !== 1) throw wrongArguments(c, "", at)
  const key = convertTo(args[0]!, keyType(composite), at).eval
  const get = collectionOf(of)
  return derived([of, args[0]!], "element", composite.element, true, (f) => {
    const collection = get(f)
    return collection.get(keyOfValue(key(f)))
  })
}

/** The variable that begins this path, with its fields and methods after it. */
export const variableTerm = (
  c: Compilation,
  path: ReadonlyArray<string>,
  args: ReadonlyArray<Term> | undefined,
  at: number
): Term | undefined => {
  for (let length = 1; length <= path.length && length <= 3; length++) {
    const head = path.slice(0, length)
    const type = c.context.variable(head)
    if (type === undefined) continue
    if (length < path.length && type.composite === undefined) continue
    if (length === path.length && args !== undefined && type.composite?.kind !== "collection") return undefined
    const index = c.parameter({ kind: "variable", path: head, type })
    const variable: Term = {
      eval: (f) => f.params[index]!,
      type,
      nullable: true,
      key: `:${head.join(".")}`,
      uses: noSlots,
      heavy: false
    }
    return members(c, variable, path.slice(length), args, at)
  }
  return undefined
}

/** Several names after a term; the arguments belong to the last of them. */
export const members = (
  c: Compilation,
  of: Term,
  names: ReadonlyArray<string>,
  args: ReadonlyArray<Term> | undefined,
  at: number
): Term => {
  if (names.length === 0) return args === undefined ? of : elementTerm(c, of, args, at)
  let term = of
  names.forEach((name, i) => {
    term = memberTerm(c, term, name, i === names.length - 1 ? args : undefined, at)
  })
  return term
}

const objectConstructor = (
  c: Compilation,
  type: ObjectType,
  args: ReadonlyArray<Term>,
  names: ReadonlyArray<string | undefined>,
  at: number
): Term => {
  const { attributes } = type
  if (!type.instantiable) {
    throw isBlock(c)
      ? oraError(6550, "PLS-00713: attempting to instantiate a type that is NOT INSTANTIABLE", at)
      : oraError(22826, "cannot construct an instance of a non instantiable type", at)
  }
  const given = attributes.map((attribute, i) => {
    const named = names.indexOf(attribute.name)
    return named >= 0 ? args[named] : names[i] === undefined ? args[i] : undefined
  })
  if (args.length !== attributes.length || given.includes(undefined)) {
    throw isBlock(c)
      ? wrongArguments(c, type.name, at)
      : oraError(2315, "incorrect number of arguments for default constructor", at)
  }
  const evals = given.map((term, i) => converted(term!, attributes[i]!.type, at))
  return derived(
    given as ReadonlyArray<Term>,
    `new ${typeName(type)}`,
    compositeType(type),
    false,
    (f) => new RecordValue(type, evals.map((get) => get(f)))
  )
}

/** The value as a part of another: converted, fitted and copied. */
const converted = (term: Term, type: SqlType, at: number): Eval => {
  const { eval: get } = convertTo(term, type, at)
  return (f) => fitComposite(get(f), type)
}

/** A call of a type by its name. */
export const constructorTerm = (
  c: Compilation,
  type: SqlType,
  args: ReadonlyArray<Term>,
  names: ReadonlyArray<string | undefined>,
  at: number
): Term => {
  const composite = type.composite!
  if (composite.kind === "object") {
    return methodTerm(c, composite, composite.name, undefined, args, names, at) ??
      objectConstructor(c, composite, args, names, at)
  }
  if (composite.kind === "record") {
    const { attributes } = composite
    if (args.length > attributes.length) throw wrongArguments(c, composite.name, at)
    const evals = attributes.map((attribute, i): Eval => {
      const named = names.indexOf(attribute.name)
      const term = named >= 0 ? args[named] : names[i] === undefined ? args[i] : undefined
      return term === undefined ? () => null : converted(term, attribute.type, at)
    })
    return derived(
      args,
      `new ${composite.name}`,
      type,
      false,
      (f) => new RecordValue(composite, evals.map((get) => get(f)))
    )
  }
  if (composite.key !== undefined && args.length > 0) throw wrongArguments(c, composite.name, at)
  const evals = args.map((arg) => converted(arg, composite.element, at))
  return derived(args, `new ${typeName(composite)}`, type, false, (f) =>
    composite.key === undefined
      ? new ListValue(composite, evals.map((get) => get(f)))
      : new MapValue(composite))
}

/** CAST of a collection to another type: its elements are converted. */
export const castCollection = (arg: Term, type: SqlType, at: number): Term => {
  const to = type.composite
  const from = arg.type.composite
  if (kindOf(arg.type) === "null") return { ...arg, type }
  if (to === undefined || from === undefined) throw inconsistent(type, arg.type, at)
  if (sameType(from, to)) return arg
  if (to.kind !== "collection" || from.kind !== "collection") throw inconsistent(type, arg.type, at)
  let item: Stored = null
  const element: Term = { ...constant(null, from.element), eval: () => item }
  const convert = converted(element, to.element, at)
  return derived([arg], `cast ${typeName(to)}`, type, arg.nullable, (f) => {
    const value = arg.eval(f)
    if (value === null) return null
    return new ListValue(
      to,
      elementsOf(value as CollectionValue).map((each) => {
        item = each
        return convert(f)
      })
    )
  })
}

/** CAST(MULTISET(query) AS type): the rows as elements. */
export const multisetTerm = (
  c: Compilation,
  expr: Extract<Expr, { kind: "multiset" }>,
  type: SqlType,
  scope: Scope
): Term => {
  const { composite } = type
  if (composite?.kind !== "collection") {
    throw oraError(22907, "invalid CAST to a type that is not a nested table or VARRAY", expr.at)
  }
  const compiled = c.query(c, expr.query, scope)
  const { columns, slot } = compiled
  const object = composite.element.composite
  const inner = object?.kind === "object" && kindOf(columns[0]!.type) !== "o" ? object : undefined
  const types = inner === undefined ? [composite.element] : inner.attributes.map((attribute) => attribute.type)
  if (types.length !== columns.length) {
    throw columns.length > types.length
      ? oraError(913, "too many values", expr.at)
      : oraError(947, "not enough values", expr.at)
  }
  const evals = types.map((to, i): Eval =>
    converted(
      {
        ...constant(null, columns[i]!.type),
        eval: (f) => f.rows[slot]![i]!
      },
      to,
      expr.at
    )
  )
  const read = queryResult<Array<Stored>>(c, compiled.plan, () => [], (f, items) => {
    const values = evals.map((get) => get(f))
    items.push(inner === undefined ? values[0]! : new RecordValue(inner, values))
    f.take(100)
    return false
  })
  const term = derived([], `multiset#${c.place()}`, type, false, (f) => new ListValue(composite, [...read(f)]), {
    heavy: true
  })
  return { ...term, uses: union([term, { uses: compiled.plan.free }]) }
}
