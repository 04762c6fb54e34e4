/** Resolving names: columns, pseudo columns, PL/SQL variables, functions without parentheses. */
import type { Sequence } from "../catalog/catalog.ts"
import { pseudo } from "../execute/hierarchy.ts"
import { library } from "../functions/library.ts"
import type { Call, Expr } from "../syntax/ast.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { NUMBER } from "../values/sqlType.ts"
import { requireAccess } from "./access.ts"
import { type Compilation } from "./compilation.ts"
import { members, variableTerm } from "./composites.ts"
import { stepTerm } from "./heavy.ts"
import { dotted } from "./jsonCalls.ts"
import { call } from "./operators.ts"
import { columnTerm, type GroupScope, noSlots, type Scope, type Source, type SourceColumn, type Term } from "./term.ts"

const nullaryFunctions = new Set([
  "SYSDATE",
  "SYSTIMESTAMP",
  "CURRENT_DATE",
  "CURRENT_TIMESTAMP",
  "LOCALTIMESTAMP",
  "SESSIONTIMEZONE",
  "DBTIMEZONE",
  "USER",
  "UID"
])

const matches = (source: Source, qualifier: ReadonlyArray<string>): boolean => {
  if (qualifier.length === 1) return source.alias === qualifier[0]
  return source.owner === qualifier[0] && source.alias === qualifier[1]
}

/** The column in this scope alone. */
const columnIn = (
  scope: Scope,
  path: ReadonlyArray<string>,
  at: number
): { readonly source: Source; readonly column: SourceColumn } | undefined => {
  const name = path.at(-1)!
  const qualifier = path.slice(0, -1)
  let found: { readonly source: Source; readonly column: SourceColumn } | undefined
  for (const source of scope.sources) {
    if (qualifier.length > 0 && !matches(source, qualifier)) continue
    if (qualifier.length === 0 && source.merged.has(name)) continue
    const own = source.columns.filter((candidate) => candidate.name === name)
    if (own.length === 0) continue
    const shared = qualifier.length > 0 ? source.shared.get(name) : undefined
    if (shared === "using") throw oraError(25154, "column part of USING clause cannot have qualifier", at)
    if (shared === "natural") throw oraError(25155, "column used in NATURAL join cannot have qualifier", at)
    if (own.length > 1 || found !== undefined) {
      throw oraError(
        918,
        `${name}: column ambiguously specified - appears in ${found?.source.alias ?? source.alias ?? ""} and ${
          source.alias ?? ""
        }`,
        at
      )
    }
    found = { source, column: own[0]! }
  }
  return found
}

export const groupTerm = (group: GroupScope, index: number): Term => {
  const term = group.terms[index]!
  return { ...columnTerm(group.slot, index, term.type, term.nullable), rowidOf: term.rowidOf }
}

/** After grouping, only what was grouped by may be used. */
const grouped = (scope: Scope, term: Term, name: string, at: number): Term => {
  const { group } = scope
  if (group === undefined || scope.inAggregate) return term
  const index = group.keys.indexOf(term.key)
  if (index >= 0) return groupTerm(group, index)
  if (group.keys.length === 0) throw oraError(937, `"${name}": not a single-group group function`, at)
  throw oraError(979, `"${name}": must appear in the GROUP BY clause or be used in an aggregate function`, at)
}

const sequenceValue = (c: Compilation, path: ReadonlyArray<string>, scope: Scope, at: number): Term | undefined => {
  const what = path.at(-1)
  if (what !== "NEXTVAL" && what !== "CURRVAL") return undefined
  const object = c.context.catalog.find(path.slice(0, -1), c.schema)
  if (object?.kind !== "sequence") throw oraError(2289, "sequence does not exist", at)
  requireAccess(c, object, "SELECT", () => oraError(2289, "sequence does not exist", at), at)
  if (!scope.sequences) throw oraError(2287, "sequence number not allowed here", at)
  const { id } = object
  const { context } = c
  if (what === "CURRVAL" && !c.sequences.has(id)) {
    return {
      eval: (f) => context.currentValue(id, f.session),
      type: NUMBER,
      nullable: false,
      key: `currval${id}`,
      uses: noSlots,
      heavy: false
    }
  }
  return nextValue(c, id)
}

/** The value that an identity column takes when none is given. */
export const identityValue = (c: Compilation, sequence: Sequence): Term => nextValue(c, sequence.id)

const nextValue = (c: Compilation, id: number): Term => {
  const { context, site } = c
  // One row takes one value however often it is named: it is kept until the evaluation of the row is complete.
  let place = c.sequences.get(id)
  if (place === undefined) {
    place = c.place()
    c.sequences.set(id, place)
  }
  site.heavy = true
  const at_ = place
  return {
    eval: (f) => {
      const epoch = (f.state[site.place] as number | undefined) ?? 0
      let kept = f.state[at_] as { epoch: number; value: Term["constant"] } | undefined
      if (kept === undefined || kept.epoch !== epoch) {
        kept = { epoch, value: { value: context.nextValue(id, f.session) } }
        f.state[at_] = kept
      }
      return kept.value!.value
    },
    type: NUMBER,
    nullable: false,
    key: `nextval${id}`,
    uses: noSlots,
    heavy: true
  }
}

/** The document that the first two names mean, and the names of a path into it. */
const documentOf = (
  path: ReadonlyArray<string>,
  written: ReadonlyArray<string> | undefined,
  scope: Scope,
  at: number
): { readonly column: Term; readonly names: ReadonlyArray<string> } | undefined => {
  if (written === undefined) return undefined
  for (let current: Scope | undefined = scope; current !== undefined; current = current.parent) {
    const found = columnIn(current, path.slice(0, 2), at)
    if (found === undefined) continue
    const { column, source } = found
    const isJson = column.term.type.name === "JSON" || column.term.isJson === true ||
      source.table?.columns.find((candidate) => candidate.name === column.name)?.isJson === true
    if (!isJson) return undefined
    return { column: grouped(current, column.term, path.join("."), at), names: written.slice(2) }
  }
  return undefined
}

/** `t.doc.a.number()`. */
export const documentMethod = (expr: Call, scope: Scope): Term | undefined => {
  if (expr.path.length < 3 || expr.args.length > 0) return undefined
  const found = documentOf(expr.path, expr.written, scope, expr.at)
  if (found === undefined) return undefined
  return dotted(found.column, found.names.slice(0, -1), `.${found.names.at(-1)!}()`, expr.at)
}

export const resolveName = (c: Compilation, expr: Extract<Expr, { kind: "name" }>, scope: Scope): Term => {
  const { at, path } = expr
  if (expr.steps !== undefined) {
    const found = documentOf(path, expr.written, scope, at)
    if (found !== undefined) return dotted(found.column, found.names, expr.steps, at)
  }
  const display = path.map((part) => `"${part}"`).join(".")
  for (let current: Scope | undefined = scope; current !== undefined; current = current.parent) {
    const found = columnIn(current, path, at)
    if (found !== undefined) return grouped(current, found.column.term, path.join("."), at)
    const special = pseudoColumn(c, current, path, at)
    if (special !== undefined) return special
  }
  if (path.length > 2) {
    const document = documentOf(path, expr.written, scope, at)
    if (document !== undefined) return dotted(document.column, document.names, "", at)
    // An attribute of an object in a column: it takes the alias before it.
    for (let current: Scope | undefined = scope; current !== undefined; current = current.parent) {
      const found = columnIn(current, path.slice(0, 2), at)
      if (found !== undefined) {
        return members(c, grouped(current, found.column.term, path.join("."), at), path.slice(2), undefined, at)
      }
    }
  }
  const variable = variableTerm(c, path, undefined, at)
  if (variable !== undefined) return variable
  const sequence = sequenceValue(c, path, scope, at)
  if (sequence !== undefined) return sequence
  const asCall: Call = {
    kind: "call",
    path,
    args: [],
    names: [],
    distinct: false,
    star: false,
    withinGroup: undefined,
    keep: undefined,
    over: undefined,
    options: {},
    parens: false,
    at
  }
  const block = c.context.blockCall?.(asCall)
  if (block !== undefined) return stepTerm(c, [], path.join("."), block.returns, (f) => block.run(f))
  if (path.length === 1 && nullaryFunctions.has(path[0]!)) {
    const def = library[path[0]!]!
    return { ...call(path[0]!, def.returns as Term["type"]), nullable: false }
  }
  const packaged = library[path.join(".")]
  if (path.length > 1 && packaged !== undefined && (packaged.min ?? packaged.params.length) === 0) {
    return call(path.join("."), packaged.returns as Term["type"])
  }
  const routine = c.context.routine(path, [], [])
  if (routine !== undefined && routine.parameters.every((parameter) => parameter.optional)) {
    return stepTerm(
      c,
      [],
      path.join("."),
      routine.returns,
      (f) => routine.run(f, routine.parameters.map(() => undefined))
    )
  }
  if (
    path.length === 1 && (path[0] === "LEVEL" || path[0] === "CONNECT_BY_ISLEAF" || path[0] === "CONNECT_BY_ISCYCLE")
  ) {
    throw oraError(1788, "CONNECT BY clause required in this query block", at)
  }
  if (path.length === 1 && path[0] === "ROWNUM") {
    throw oraError(976, "Specified pseudocolumn or operator not allowed here.", at)
  }
  if (absentPseudoColumns.has(path.at(-1)!)) throw unimplemented(path.at(-1)!, at)
  throw oraError(904, `${display}: invalid identifier`, at)
}

/** Pseudo columns that the server has and the engine does not. */
const absentPseudoColumns = new Set([
  "ORA_ROWSCN",
  "VERSIONS_STARTSCN",
  "VERSIONS_STARTTIME",
  "VERSIONS_ENDSCN",
  "VERSIONS_ENDTIME",
  "VERSIONS_XID",
  "VERSIONS_OPERATION",
  "XMLDATA"
])

const pseudoColumn = (c: Compilation, scope: Scope, path: ReadonlyArray<string>, at: number): Term | undefined => {
  const name = path.at(-1)!
  if (path.length === 1 && name === "ROWNUM") {
    if (scope.hierarchy?.inside === true) return columnTerm(scope.hierarchy.rownum, 0, NUMBER, false)
    if (scope.rownum === undefined) return undefined
    scope.rownum.slot ??= c.slot()
    return grouped(scope, columnTerm(scope.rownum.slot, 0, NUMBER, false), name, at)
  }
  const { hierarchy } = scope
  if (path.length === 1 && hierarchy !== undefined) {
    const places: Readonly<Record<string, number>> = {
      LEVEL: pseudo.level,
      CONNECT_BY_ISLEAF: pseudo.isLeaf,
      CONNECT_BY_ISCYCLE: pseudo.isCycle
    }
    const place = places[name]
    if (place !== undefined && (place === pseudo.level || !hierarchy.inside)) {
      return grouped(scope, columnTerm(hierarchy.slot, place, NUMBER, false), name, at)
    }
  }
  if (name === "ROWID") {
    const sources = scope.sources.filter((source) => path.length === 1 || matches(source, path.slice(0, -1)))
    if (sources.length === 0) return undefined
    if (sources.length > 1) throw oraError(918, "ROWID: column ambiguously specified", at)
    throw oraError(1446, "cannot select ROWID from, or sample, a view with DISTINCT, GROUP BY, etc.", at)
  }
  return undefined
}
