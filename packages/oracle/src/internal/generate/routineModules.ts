/** Writes a function for each procedure and function: it takes a connection and arguments, and gives what comes back. */
import type { Argument, Subprogram } from "./dictionary.ts"
import { property } from "./names.ts"
import { hasRoom, isElement, type Numbers, scalarOf, typeScriptOf } from "./scalars.ts"
import { type TypeWriter, Unmade } from "./typeModules.ts"

interface RoutineOptions {
  readonly numbers: Numbers
  readonly columnNames: (name: string) => string
  readonly prefix: string
}

/** How an argument is bound, and what its values are in TypeScript. */
interface Bound {
  readonly bind: string
  readonly sizes: string
  readonly type: string
}

const made = new Set([
  "OBJECT",
  "TABLE",
  "VARRAY",
  "PL/SQL TABLE",
  "PL/SQL RECORD",
  "OPAQUE/XMLTYPE",
  "REF",
  "UNDEFINED"
])

const boundOf = (argument: Argument, types: TypeWriter, numbers: Numbers): Bound | Unmade => {
  const { dataType } = argument
  const what = argument.name ?? "its value"
  if (dataType === "REF CURSOR") {
    return argument.direction === "out"
      ? { bind: "\"cursor\"", sizes: "", type: "never" }
      : new Unmade(`${what} is a cursor that goes in`)
  }
  const scalar = scalarOf(dataType, numbers)
  if (scalar !== undefined) {
    const type = typeScriptOf(scalar.bind)
    const isDocument = ["clob", "nclob"].includes(scalar.bind) && argument.direction === "in"
    return {
      bind: JSON.stringify(scalar.bind),
      sizes: hasRoom(scalar.bind) ? ", { maxSize: 32767 }" : "",
      type: isDocument ? `string | ${type} | null` : type === "unknown" ? type : `${type} | null`
    }
  }
  if (argument.made === undefined || !made.has(dataType)) return new Unmade(`${what} is a ${dataType}`)
  const written = types.made(argument.made)
  if (written instanceof Unmade) return new Unmade(`${what} is ${argument.made.name}: ${written.problem}`)
  if (written._tag !== "Array") return { bind: written.bind, sizes: "", type: `${written.schema} | null` }
  const element = typeScriptOf(written.element.bind)
  return isElement(written.element.bind)
    ? { bind: written.bind, sizes: "", type: `ReadonlyArray<${element} | null>` }
    : new Unmade(`${what} is an index-by table of ${element}`)
}

const isSimple = (name: string): boolean => /^[A-Z][A-Z0-9_]*$/.test(name)

const indented = (lines: ReadonlyArray<string>): ReadonlyArray<string> => lines.map((line) => `  ${line}`)

/** All but the last with a comma after them. */
const listed = (items: ReadonlyArray<string>): ReadonlyArray<string> =>
  items.map((item, index) => index === items.length - 1 ? item : `${item},`)

/** The lines of the function, from its parameters on: what stands before them is for the caller to write. */
export const writeRoutine = (
  routine: Subprogram,
  types: TypeWriter,
  options: RoutineOptions
): ReadonlyArray<string> | Unmade => {
  if (routine.isPipelined) return new Unmade("it is pipelined, to be selected from with table()")
  const sqlName = `${options.prefix}${routine.package === undefined ? "" : `${routine.package}.`}${routine.name}`
  if (!isSimple(routine.name) || (routine.package !== undefined && !isSimple(routine.package))) {
    return new Unmade("its name is quoted")
  }
  const result = routine.arguments.find(({ name }) => name === undefined)
  const named = routine.arguments.filter((each): each is Argument & { readonly name: string } =>
    each.name !== undefined
  )
  const hasOuts = named.some(({ direction }) => direction !== "in")
  // With a result and OUT arguments the statement is written out, and so takes all of them.
  const isWhole = result !== undefined && hasOuts
  const parameters: Array<string> = []
  const binds: Array<string> = []
  const outs: Array<string> = []
  let isOptional = true
  const taken = new Set<string>()
  for (const argument of named) {
    const { direction, isDefaulted, name } = argument
    if (!isSimple(name)) return new Unmade(`the name of ${name} is quoted`)
    const bound = boundOf(argument, types, options.numbers)
    if (bound instanceof Unmade) return bound
    const key = options.columnNames(name)
    taken.add(key)
    if (direction !== "in") outs.push(`${property(key)}: out.${name}`)
    if (direction === "out") {
      binds.push(`${name}: OracleBind.out(${bound.bind}${bound.sizes})`)
      continue
    }
    const value = /^[\p{L}_$]/u.test(property(key)) ? `args.${key}` : `args[${property(key)}]`
    const bind = direction === "inout"
      ? `OracleBind.inOut(${bound.bind}, ${value}${bound.sizes})`
      : `OracleBind.input(${bound.bind}, ${value})`
    if (isDefaulted && direction === "in" && !isWhole) {
      parameters.push(`readonly ${property(key)}?: ${bound.type} | undefined`)
      binds.push(`...(${value} !== undefined && { ${name}: ${bind} })`)
    } else {
      isOptional = false
      parameters.push(`readonly ${property(key)}: ${bound.type}`)
      binds.push(`${name}: ${bind}`)
    }
  }
  const head = parameters.length === 0
    ? ["(connection: Connection) =>"]
    : [
      "(",
      "  connection: Connection,",
      "  args: {",
      ...indented(indented(parameters)),
      isOptional ? "  } = {}" : "  }",
      ") =>"
    ]
  const bindLines = (all: ReadonlyArray<string>): ReadonlyArray<string> =>
    all.length === 0 ? ["{}"] : ["{", ...indented(listed(all)), "}"]
  /** `call(first, {`, the binds, `}, values)`. */
  const call = (method: string, first: string, all: ReadonlyArray<string>): ReadonlyArray<string> => {
    const lines = [...bindLines(all)]
    lines[0] = `connection.${method}(${first}, ${lines[0]!}`
    lines[lines.length - 1] = `${lines[lines.length - 1]!}, values)`
    return lines
  }
  const withOuts = (lines: ReadonlyArray<string>, from: string, all: ReadonlyArray<string>): ReadonlyArray<string> => [
    "Effect.map(",
    ...indented([
      ...lines.slice(0, -1),
      `${lines[lines.length - 1]!},`,
      `(${from}) => ({`,
      ...indented(listed(all)),
      "})"
    ]),
    ")"
  ]
  const body = (): ReadonlyArray<string> | Unmade => {
    if (result === undefined) {
      const lines = call("call", JSON.stringify(sqlName), binds)
      if (hasOuts) return withOuts(lines, "out", outs)
      const whole = [...lines]
      whole[0] = `Effect.asVoid(${whole[0]!}`
      whole[whole.length - 1] = `${whole[whole.length - 1]!})`
      return whole
    }
    const bound = boundOf(result, types, options.numbers)
    if (bound instanceof Unmade) return bound
    const value = `OracleBind.out(${bound.bind}${bound.sizes})`
    if (!hasOuts) return call("callFunction", `${JSON.stringify(sqlName)}, ${value}`, binds)
    const list = named.map(({ name }) => `${name} => :${name}`).join(", ")
    const key = taken.has("result") ? "returned" : "result"
    return withOuts(
      call("execute", JSON.stringify(`begin :sp_result := ${sqlName}(${list}); end;`), [
        `sp_result: ${value}`,
        ...binds
      ]),
      "{ outBinds: out }",
      [`${key}: out.sp_result`, ...outs]
    )
  }
  const lines = body()
  return lines instanceof Unmade ? lines : [...head, ...indented(lines)]
}
