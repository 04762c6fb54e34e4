/**
 * Connect strings: read any form, add what routes a session, print.
 *
 * node-oracledb's Thin mode ignores its own `shardingKey` properties and knows one connection class a process, but it sends
 * everything in `CONNECT_DATA` as it stands. Sharding keys, connection classes, purity and pool boundaries of a single
 * request therefore travel in the connect string: {@link parse} what the user gave, {@link withConnectData}, {@link print}.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import { dual } from "effect/Function"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Result from "effect/Result"
import { changeDescription, changesOf, type ConnectDataSettings, isConnectData } from "./internal/connectData.ts"
import { attempt, ConnectDescriptorError, malformed } from "./internal/connectDescriptorError.ts"
import {
  childrenOf,
  isNamed,
  type Parameter,
  parseParameter,
  printParameter,
  textOf
} from "./internal/descriptorText.ts"
import { parseEasyConnect } from "./internal/easyConnect.ts"
import { foreignUrl, isProvided } from "./internal/foreignUrl.ts"
import { collect, inEntry, loadItems, parseTnsItems, type TnsEntry, type TnsNames } from "./internal/tnsNames.ts"

export type { ConnectDataSettings, ShardingKey } from "./internal/connectData.ts"
export { ConnectDescriptorError } from "./internal/connectDescriptorError.ts"
export type { Parameter } from "./internal/descriptorText.ts"
export type { ShardingKeyValue } from "./internal/shardingKey.ts"
export type { TnsEntry, TnsNames } from "./internal/tnsNames.ts"

/**
 * A `DESCRIPTION` or a `DESCRIPTION_LIST` with everything inside it, as plain data.
 *
 * **Details**
 *
 * Names keep their case, values their quotation marks, and unknown parameters are kept.
 *
 * **Example** (A descriptor as data)
 *
 * ```ts
 * import { ConnectDescriptor } from "@sessionpool/oracle"
 *
 * const descriptor: ConnectDescriptor.ConnectDescriptor = {
 *   name: "DESCRIPTION",
 *   value: [{ name: "CONNECT_DATA", value: [{ name: "SERVICE_NAME", value: "FREEPDB1" }] }]
 * }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface ConnectDescriptor extends Parameter {
  readonly value: ReadonlyArray<Parameter>
}

/**
 * Where a descriptor leads, for logs and spans.
 *
 * **Example** (The first host)
 *
 * ```ts
 * import { ConnectDescriptor } from "@sessionpool/oracle"
 *
 * const first = (summary: ConnectDescriptor.Summary) => summary.addresses[0]?.host
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Summary {
  /** In their order, from all descriptions; the port is 1521 where none is given. */
  readonly addresses: ReadonlyArray<{ readonly host: string; readonly port: number; readonly protocol: string }>
  readonly serviceName: string | undefined
  readonly sid: string | undefined
  readonly server: string | undefined
}

const isDescriptor = (parameter: Parameter): parameter is ConnectDescriptor =>
  typeof parameter.value !== "string" && (isNamed(parameter, "DESCRIPTION") || isNamed(parameter, "DESCRIPTION_LIST"))

const parseDescriptor = (text: string, base: number): ConnectDescriptor => {
  const root = parseParameter(text, base)
  return isDescriptor(root) ? root : malformed(base, "expected (DESCRIPTION=...) or (DESCRIPTION_LIST=...)")
}

const parseFound = (text: string, base: number): ConnectDescriptor | undefined => {
  if (text.startsWith("(")) return parseDescriptor(text, base)
  if (!/[:/@]/.test(text)) return undefined
  const root = parseEasyConnect(text, base)
  return isDescriptor(root) ? root : undefined
}

const noAlias = (alias: string, tnsNames: TnsNames | undefined): never => {
  const known = tnsNames === undefined ? undefined : [...tnsNames.entries.keys()]
  throw new ConnectDescriptorError({
    problem: "alias",
    message: known === undefined
      ? `"${alias}" is an alias, but no tnsnames.ora was given to look it up; host/service is an easy connect string`
      : `no tnsnames.ora entry is called "${alias}"; there ${
        known.length === 0 ? "is none" : `are ${known.slice(0, 20).join(", ")}${known.length > 20 ? ", ..." : ""}`
      }`
  })
}

/**
 * Reads a connect string of any form: a full descriptor, easy connect (plus), or an alias of `tnsNames`.
 *
 * **When to use**
 *
 * Use to check a connect string before a program starts, or to change it with {@link withConnectData}.
 *
 * **Details**
 *
 * As in the driver, a text that begins with `(` is a descriptor, one with `:` or `/` is easy connect, and anything else is an
 * alias, in any case. Easy connect becomes the descriptor that the driver would make of it, with what the driver drops without a
 * word: sharding keys, TLS settings of an address without TLS, `expire_time`, `pool_name`, `region`, and the port of a proxy without
 * its host. A JDBC URL is refused with what to write instead, and so is `config-<provider>://...`, which the driver alone can resolve.
 *
 * **Gotchas**
 *
 * Fails with a {@link ConnectDescriptorError} that names the position. Credentials (`user/password@...`) are refused and not
 * repeated in the failure. The driver limits descriptors to 4096 bytes; that is not checked here.
 *
 * **Example** (From easy connect to a descriptor)
 *
 * ```ts
 * import { ConnectDescriptor } from "@sessionpool/oracle"
 * import { Result } from "effect"
 *
 * const text = ConnectDescriptor.parse("db.example.com/FREEPDB1").pipe(Result.map(ConnectDescriptor.print))
 * // (DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=db.example.com)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=FREEPDB1)))
 * ```
 *
 * @category reading
 * @since 0.1.0
 */
export const parse = (
  text: string,
  options: { readonly tnsNames?: TnsNames | undefined } = {}
): Result.Result<ConnectDescriptor, ConnectDescriptorError> =>
  attempt(() => {
    const trimmed = text.trim()
    if (trimmed === "") return malformed(0, "it is empty")
    const foreign = foreignUrl(trimmed)
    if (foreign !== undefined) return malformed(text.indexOf(trimmed), `it ${foreign}`)
    if (isProvided(trimmed)) {
      return malformed(text.indexOf(trimmed), "it names a configuration provider, which only the driver can query")
    }
    const found = parseFound(trimmed, text.indexOf(trimmed))
    if (found !== undefined) return found
    const entry = options.tnsNames?.entries.get(trimmed.toUpperCase()) ?? noAlias(trimmed, options.tnsNames)
    return ofEntry(trimmed, entry)
  })

const ofEntry = (alias: string, entry: TnsEntry): ConnectDescriptor => {
  const read = attempt(() =>
    parseFound(entry.text, entry.position)
      ?? malformed(entry.position, "its value is neither a descriptor nor an easy connect string")
  )
  if (Result.isFailure(read)) throw inEntry(alias, entry, read.failure)
  return read.success
}

/**
 * Prints a descriptor on one line, without space between parameters.
 *
 * **When to use**
 *
 * Use to hand a changed descriptor to the driver, or to show one.
 *
 * **Details**
 *
 * What {@link parse} read from a descriptor comes back as it was written, and for every `d` that {@link parse} gave,
 * `parse(print(d))` equals `d`.
 *
 * **Gotchas**
 *
 * A descriptor made by hand can hold what has no text of its own: a value with space around it comes back without it, an empty list of
 * parameters comes back as an empty text, and a value or a name with parentheses outside of quotation marks cannot be read again.
 *
 * **Example** (On one line)
 *
 * ```ts
 * import { ConnectDescriptor } from "@sessionpool/oracle"
 * import { Result } from "effect"
 *
 * const oneLine = ConnectDescriptor.parse("(DESCRIPTION =\n  (SDU = 8192))").pipe(Result.map(ConnectDescriptor.print))
 * // (DESCRIPTION=(SDU=8192))
 * ```
 *
 * @category printing
 * @since 0.1.0
 */
export const print: (self: ConnectDescriptor) => string = printParameter

/**
 * Reads the text of a `tnsnames.ora`.
 *
 * **When to use**
 *
 * Use where the text comes from somewhere other than a file.
 *
 * **Details**
 *
 * An entry begins in the first column; `a, b = ...` names it twice; the last entry of a name counts. What an entry stands for
 * is read when it is looked up, so that one malformed entry does not harm the others; its failure names the file and the line. `IFILE` lines are listed, not followed:
 * {@link loadTnsNames} follows them.
 *
 * **Example** (An alias of a text)
 *
 * ```ts
 * import { ConnectDescriptor } from "@sessionpool/oracle"
 * import { Result } from "effect"
 *
 * const sales = ConnectDescriptor.parseTnsNames("sales = db.example.com:1521/SALES").pipe(
 *   Result.flatMap((tnsNames) => ConnectDescriptor.parse("SALES", { tnsNames }))
 * )
 * ```
 *
 * @category reading
 * @since 0.1.0
 */
export const parseTnsNames = (text: string): Result.Result<TnsNames, ConnectDescriptorError> =>
  attempt(() => collect(parseTnsItems(text)))

/**
 * Reads `tnsnames.ora` in a directory, and the files it includes.
 *
 * **When to use**
 *
 * Use to look up the aliases of a machine.
 *
 * **Details**
 *
 * `configDir` is what node-oracledb calls so, by default the environment's `TNS_ADMIN`. `IFILE` is followed four deep, as
 * in the driver; deeper ones stay in `includes`.
 *
 * **Gotchas**
 *
 * A relative `IFILE` is taken from the directory of the file that names it (the driver takes it from the working directory
 * of the process). A missing file is a failure.
 *
 * **Example** (An alias of a directory)
 *
 * ```ts
 * import { ConnectDescriptor } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const sales = Effect.gen(function*() {
 *   const tnsNames = yield* ConnectDescriptor.loadTnsNames("network/admin")
 *   return yield* Effect.fromResult(ConnectDescriptor.parse("sales", { tnsNames }))
 * })
 * ```
 *
 * @category reading
 * @since 0.1.0
 */
export const loadTnsNames = (
  configDir: string
): Effect.Effect<TnsNames, ConnectDescriptorError | PlatformError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const path = yield* Path.Path
    return collect(yield* loadItems(path.join(configDir, "tnsnames.ora"), 0))
  })

/**
 * Puts settings into the `CONNECT_DATA` of every description, and leaves everything else untouched.
 *
 * **When to use**
 *
 * Use to ask for a pooled server, a connection class or a shard whatever form a connect string has.
 *
 * **Details**
 *
 * A parameter that stands there already is replaced in its place, in any case; others are added at the end. A key in text
 * form replaces one in base64 form and the other way round. Without settings the descriptor is returned as it is.
 *
 * **Gotchas**
 *
 * Fails with a {@link ConnectDescriptorError} (`problem: "value"`) for a value that a connect string cannot carry.
 *
 * **Example** (A pooled server and a shard)
 *
 * ```ts
 * import { ConnectDescriptor } from "@sessionpool/oracle"
 * import { Result } from "effect"
 *
 * const pooled = ConnectDescriptor.parse("db/FREEPDB1").pipe(
 *   Result.flatMap(ConnectDescriptor.withConnectData({ server: "pooled", shardingKey: "ada@example.com" })),
 *   Result.map(ConnectDescriptor.print)
 * )
 * // ...(CONNECT_DATA=(SERVICE_NAME=FREEPDB1)(SERVER=POOLED)(SHARDING_KEY=ada@example.com)))
 * ```
 *
 * @category changing
 * @since 0.1.0
 */
export const withConnectData: {
  (settings: ConnectDataSettings): (self: ConnectDescriptor) => Result.Result<ConnectDescriptor, ConnectDescriptorError>
  (self: ConnectDescriptor, settings: ConnectDataSettings): Result.Result<ConnectDescriptor, ConnectDescriptorError>
} = dual(
  2,
  (self: ConnectDescriptor, settings: ConnectDataSettings): Result.Result<ConnectDescriptor, ConnectDescriptorError> =>
    attempt(() => {
      const changes = changesOf(settings)
      if (changes.length === 0) return self
      const isDescription = (child: Parameter) => isNamed(child, "DESCRIPTION")
      return isDescription(self)
        ? { ...self, value: childrenOf(changeDescription(self, changes)) }
        : {
          ...self,
          value: self.value.map((child) => isDescription(child) ? changeDescription(child, changes) : child)
        }
    })
)

const addressesIn = (parameter: Parameter): ReadonlyArray<Parameter> =>
  isNamed(parameter, "ADDRESS") ? [parameter] : childrenOf(parameter).flatMap(addressesIn)

/**
 * Where a descriptor leads: its addresses and the service of its first description.
 *
 * **When to use**
 *
 * Use for logs and spans: no credentials are in it.
 *
 * **Example** (Where it leads)
 *
 * ```ts
 * import { ConnectDescriptor } from "@sessionpool/oracle"
 * import { Result } from "effect"
 *
 * const host = ConnectDescriptor.parse("db/FREEPDB1").pipe(
 *   Result.map((descriptor) => ConnectDescriptor.summary(descriptor).addresses[0]?.host)
 * )
 * ```
 *
 * @category reading
 * @since 0.1.0
 */
export const summary = (self: ConnectDescriptor): Summary => {
  const description = isNamed(self, "DESCRIPTION") ? self : self.value.find((child) => isNamed(child, "DESCRIPTION"))
  const connectData = childrenOf(description).find(isConnectData)
  return {
    addresses: addressesIn(self).map((address) => ({
      host: textOf(address, "HOST") ?? "",
      port: Number(textOf(address, "PORT") ?? 1521),
      protocol: (textOf(address, "PROTOCOL") ?? "TCP").toUpperCase()
    })),
    serviceName: textOf(connectData, "SERVICE_NAME"),
    sid: textOf(connectData, "SID"),
    server: textOf(connectData, "SERVER")?.toUpperCase()
  }
}
