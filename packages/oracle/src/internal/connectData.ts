/** What can be set in the `CONNECT_DATA` of a descriptor, and how it is set. */
import { unusable } from "./connectDescriptorError.ts"
import { childrenOf, isNamed, type Parameter } from "./descriptorText.ts"
import { isPlainText, renderShardingKey, type ShardingKeyValue } from "./shardingKey.ts"

/**
 * A key of a sharded database: one column, several columns in their order, or a key that is encoded already.
 *
 * **Details**
 *
 * Text, numbers and bigints are sent as `SHARDING_KEY`, with commas between columns. When a column cannot stand there
 * (parentheses, `=`, a comma, a backslash, `#`, quotation marks at its begin, characters beyond ASCII, dates, bytes), all
 * columns are sent as `SHARDING_KEY_B64`: text in UTF-8, numbers and dates (in UTC) in Oracle's internal forms, bytes as they
 * are.
 *
 * **Gotchas**
 *
 * Documented by Oracle (Net Services Administrator's Guide 23ai, 14.8, "Configuring Key-Based Routing"): the parameters
 * `SHARDING_KEY` in simple text form, `SUPER_SHARDING_KEY`, and `SHARDING_KEY_B64`. Inferred, and not tried against a real
 * shard director: commas between columns; the whole content of the base64 form, whose only public example is a comment in
 * Oracle's Sharding Tools Library (`HashKeySet.java`), `SHARDING_KEY_B64=1 4,` and the base64 of a NUMBER that is a hash. When
 * you know the text, for instance from `OCI_ATTR_SHARDING_KEY_B64` or from JDBC, give it as `{ base64: text }` and it is sent
 * untouched.
 *
 * **Example** (A key of two columns)
 *
 * ```ts
 * import { ConnectDescriptor } from "@sessionpool/oracle"
 *
 * const key: ConnectDescriptor.ShardingKey = ["GOLD", 4711]
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type ShardingKey = ShardingKeyValue | ReadonlyArray<ShardingKeyValue> | { readonly base64: string }

/**
 * What {@link withConnectData} puts into `CONNECT_DATA`; what is left out stays as it is.
 *
 * **Gotchas**
 *
 * The pool settings have an effect with `server: "pooled"` only. node-oracledb does not turn `POOL_PURITY` into its own login
 * field: a standalone Thin session asks for a new server session unless the server reads the connect data itself.
 * `poolBoundary` needs implicit pooling (Oracle Database 23ai or later).
 *
 * **Example** (Implicit pooling)
 *
 * ```ts
 * import { ConnectDescriptor } from "@sessionpool/oracle"
 *
 * const settings: ConnectDescriptor.ConnectDataSettings = { server: "pooled", poolBoundary: "transaction" }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface ConnectDataSettings {
  readonly shardingKey?: ShardingKey | undefined
  readonly superShardingKey?: ShardingKey | undefined
  readonly poolConnectionClass?: string | undefined
  readonly poolPurity?: "new" | "self" | undefined
  readonly poolBoundary?: "statement" | "transaction" | undefined
  readonly server?: "dedicated" | "shared" | "pooled" | undefined
  /** What stands before the columns of a base64 key. Default: `"1 1"`, which is inferred. */
  readonly base64Header?: string | undefined
}

/** A parameter to set, and the one that it makes obsolete. */
interface Change {
  readonly name: string
  readonly value: string
  readonly replaces?: string
}

const keyChange = (name: string, key: ShardingKey, header: string): Change => {
  if (typeof key === "object" && "base64" in key) {
    if (!/^[\x21-\x7e][\x20-\x7e]*$/.test(key.base64) || /[()"'\\#]/.test(key.base64)) {
      unusable("an encoded sharding key is printable ASCII without parentheses, quotation marks, \"\\\" and \"#\"")
    }
    return { name: `${name}_B64`, value: key.base64, replaces: name }
  }
  const columns = typeof key !== "object" || key instanceof Date || key instanceof Uint8Array ? [key] : key
  const rendered = renderShardingKey(columns, header)
  return rendered.form === "text"
    ? { name, value: rendered.text, replaces: `${name}_B64` }
    : { name: `${name}_B64`, value: rendered.text, replaces: name }
}

/** The settings as parameters; throws for a value that cannot be sent. */
export const changesOf = (settings: ConnectDataSettings): ReadonlyArray<Change> => {
  const header = settings.base64Header ?? "1 1"
  const changes: Array<Change> = []
  const word = (name: string, value: string | undefined, allowed?: ReadonlyArray<string>) => {
    if (value === undefined) return
    if (!isPlainText(value) || (allowed !== undefined && !allowed.includes(value))) {
      unusable(
        allowed === undefined
          ? `${name} takes printable ASCII text without parentheses, "=", ",", "#", "\\" and quotation marks`
          : `${name} takes ${allowed.join(" or ")}`
      )
    }
    changes.push({ name, value: allowed === undefined ? value : value.toUpperCase() })
  }
  word("SERVER", settings.server, ["dedicated", "shared", "pooled"])
  word("POOL_CONNECTION_CLASS", settings.poolConnectionClass)
  word("POOL_PURITY", settings.poolPurity, ["new", "self"])
  word("POOL_BOUNDARY", settings.poolBoundary, ["statement", "transaction"])
  if (settings.shardingKey !== undefined) changes.push(keyChange("SHARDING_KEY", settings.shardingKey, header))
  if (settings.superShardingKey !== undefined) {
    changes.push(keyChange("SUPER_SHARDING_KEY", settings.superShardingKey, header))
  }
  return changes
}

/** Sets a child where it stands, or at the end. */
const setChild = (children: ReadonlyArray<Parameter>, change: Change): ReadonlyArray<Parameter> => {
  const isOld = (child: Parameter) =>
    isNamed(child, change.name) || (change.replaces !== undefined && isNamed(child, change.replaces))
  const at = children.findIndex(isOld)
  const set: Parameter = { name: change.name, value: change.value }
  return at < 0
    ? [...children, set]
    : [...children.slice(0, at), set, ...children.slice(at + 1).filter((child) => !isOld(child))]
}

/** Whether a parameter is the CONNECT_DATA of a description. */
export const isConnectData = (parameter: Parameter): boolean => isNamed(parameter, "CONNECT_DATA")

/** Makes the changes in one DESCRIPTION. */
export const changeDescription = (description: Parameter, changes: ReadonlyArray<Change>): Parameter => {
  const children = childrenOf(description)
  // Without CONNECT_DATA the driver asks for the listener's default service, which this spells out.
  const all = children.some(isConnectData)
    ? children
    : [...children, { name: "CONNECT_DATA", value: [{ name: "SERVICE_NAME", value: "" }] }]
  const first = all.find(isConnectData)
  return {
    name: description.name,
    value: all.map((child) =>
      child === first ? { name: child.name, value: changes.reduce(setChild, childrenOf(child)) } : child
    )
  }
}
