/** How each placeholder of a text is used: the wire does not say, the text does. */
import { type Package, specOf, subprogramOf } from "../catalog/units.ts"
import type { BindDirection, Placeholder } from "../engine.ts"
import type { Parsed } from "../syntax/astDefinitions.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { Core } from "./core.ts"

type Node = Readonly<Record<string, unknown>> & { readonly kind?: unknown }

interface Uses {
  readonly read: Set<number>
  readonly written: Set<number>
}

const indexOf = (node: unknown): number | undefined => {
  const candidate = node as Node | undefined
  return candidate?.kind === "bind" ? candidate["index"] as number : undefined
}

/** DBMS_PICKLER.GET_TYPE_SHAPE, which is no package in the catalog: it gives all of its parameters, and takes the first. */
const isTypeShape = (path: ReadonlyArray<string>): boolean => path.slice(-2).join(".") === "DBMS_PICKLER.GET_TYPE_SHAPE"

const outParameters = (
  core: Core,
  state: SessionState,
  call: Node
): { readonly outs: ReadonlySet<number>; readonly inOuts: ReadonlySet<number> } => {
  const path = call["path"] as ReadonlyArray<string>
  const names = call["names"] as ReadonlyArray<string | undefined>
  const args = call["args"] as ReadonlyArray<unknown>
  const place = (parameter: string, index: number): number => {
    const named = names.findIndex((candidate) => candidate === parameter)
    return named >= 0 ? named : index
  }
  const parameters = core.procedure(path, state.currentSchema)?.procedure.parameters.map((p) => ({
    name: p.name.toUpperCase(),
    direction: p.direction ?? "in"
  })) ??
    storedParameters(core, state, path, args.length)
  if (parameters !== undefined) {
    const pick = (direction: string): ReadonlySet<number> =>
      new Set(
        parameters.flatMap((p, i) =>
          p.direction === direction && place(p.name, i) < args.length ? [place(p.name, i)] : []
        )
      )
    return { outs: new Set([...pick("out"), ...pick("inout")]), inOuts: pick("inout") }
  }
  return isTypeShape(path)
    ? { outs: new Set(args.keys()), inOuts: new Set([0]) }
    : { outs: new Set(), inOuts: new Set() }
}

const storedParameters = (
  core: Core,
  state: SessionState,
  path: ReadonlyArray<string>,
  count: number
): ReadonlyArray<{ readonly name: string; readonly direction: string }> | undefined => {
  const object = core.catalog.find(path, state.currentSchema)
  if (object?.kind === "procedure") return subprogramOf(object)?.parameters
  const pkg = packageOf(core, state, path.slice(0, -1))
  const declared = pkg === undefined ? undefined : specOf(pkg.spec)?.declarations
  // Of overloads the first one that has room for the arguments tells the directions.
  for (const declaration of declared ?? []) {
    if (declaration.kind !== "subprogram" || declaration.subprogram.name !== path.at(-1)) continue
    if (declaration.subprogram.parameters.length >= count) return declaration.subprogram.parameters
  }
  return undefined
}

const packageOf = (core: Core, state: SessionState, path: ReadonlyArray<string>): Package | undefined => {
  if (path.length === 0) return undefined
  const object = core.catalog.find(path, state.currentSchema)
  if (object !== undefined) return object.kind === "package" ? object : undefined
  return path.length === 1 || path[0] === "SYS" ? core.systemPackage(path.at(-1)!) : undefined
}

const walk = (core: Core, state: SessionState, root: unknown, uses: Uses): void => {
  if (root === null || typeof root !== "object") return
  if (Array.isArray(root)) {
    for (const item of root) walk(core, state, item, uses)
    return
  }
  const node = root as Node
  const write = (targets: unknown): void => {
    for (const target of targets as ReadonlyArray<unknown>) {
      const index = indexOf(target)
      if (index === undefined) walk(core, state, target, uses)
      else uses.written.add(index)
    }
  }
  const rest = (...except: ReadonlyArray<string>): void => {
    for (const key in node) if (!except.includes(key)) walk(core, state, node[key], uses)
  }
  switch (node.kind) {
    case "bind":
      uses.read.add(node["index"] as number)
      return
    case "assign":
      write([node["target"]])
      walk(core, state, node["value"], uses)
      return
    case "call": {
      // The statement of PL/SQL around the call itself.
      if (node["call"] !== undefined) {
        walk(core, state, node["call"], uses)
        return
      }
      const { inOuts, outs } = outParameters(core, state, node)
      ;(node["args"] as ReadonlyArray<unknown>).forEach((arg, i) => {
        const index = indexOf(arg)
        if (index === undefined || !outs.has(i)) walk(core, state, arg, uses)
        else {
          uses.written.add(index)
          if (inOuts.has(i)) uses.read.add(index)
        }
      })
      rest("args")
      return
    }
    case "execute":
      write(node["into"])
      write(node["returningInto"])
      walk(core, state, node["text"], uses)
      for (
        const using of node["using"] as ReadonlyArray<
          { readonly expr: unknown; readonly out: boolean; readonly in: boolean }
        >
      ) {
        const index = indexOf(using.expr)
        if (index === undefined || !using.out) walk(core, state, using.expr, uses)
        else {
          uses.written.add(index)
          if (using.in) uses.read.add(index)
        }
      }
      return
    case "open":
      write([node["cursor"]])
      rest("cursor")
      return
    case "fetch":
      write(node["into"])
      rest("into")
      return
    case "block":
      // SELECT … INTO within a query block.
      if (Array.isArray(node["into"])) write(node["into"])
      rest("into")
      return
    case "insert":
    case "update":
    case "delete": {
      const returning = node["returning"] as { readonly exprs: unknown; readonly into: unknown } | undefined
      if (returning !== undefined) {
        walk(core, state, returning.exprs, uses)
        write(returning.into)
      }
      rest("returning")
      return
    }
    default:
      rest()
  }
}

export const placeholders = (
  core: Core,
  state: SessionState,
  parsed: Parsed,
  binds: ReadonlyArray<{ readonly name: string }>,
  returning: ReadonlySet<number>
): ReadonlyArray<Placeholder> => {
  if (parsed.kind !== "plsql") {
    return binds.map(({ name }, i) => ({ name, direction: returning.has(i) ? "returning" : "in" }))
  }
  const uses: Uses = { read: new Set(), written: new Set() }
  walk(core, state, parsed.block, uses)
  return binds.map(({ name }, i): Placeholder => {
    const direction: BindDirection = uses.written.has(i) ? (uses.read.has(i) ? "inout" : "out") : "in"
    return { name, direction }
  })
}
