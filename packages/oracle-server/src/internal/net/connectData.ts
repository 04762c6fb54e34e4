/** Reads connect descriptors: what a client asks of the listener. */
import { ProtocolError } from "./protocolError.ts"

/** One `(NAME=value)` or `(NAME=(...)(...))` of a connect descriptor. Names are in upper case. */
export interface DescriptorNode {
  readonly name: string
  readonly value: string
  readonly children: ReadonlyArray<DescriptorNode>
}

const maxDepth = 32

/** Parses a connect descriptor into its tree. */
export const parseDescriptor = (text: string): DescriptorNode => {
  let at = 0
  const skipSpace = () => {
    while (at < text.length && text.charCodeAt(at) <= 32) at++
  }
  const fail = (what: string): never => {
    throw new ProtocolError(`connect data: ${what} at ${at}`)
  }
  const until = (stop: string): string => {
    const from = at
    while (at < text.length && !stop.includes(text[at]!)) at++
    return text.slice(from, at).trim()
  }
  const node = (depth: number): DescriptorNode => {
    if (depth > maxDepth) return fail("too deep")
    if (text[at] !== "(") return fail("expected (")
    at++
    const name = until("=()").toUpperCase()
    if (name === "" || text[at] !== "=") return fail("expected NAME=")
    at++
    skipSpace()
    const children: Array<DescriptorNode> = []
    let value = ""
    if (text[at] === "(") {
      while (text[at] === "(") {
        children.push(node(depth + 1))
        skipSpace()
      }
    } else value = until("()").replaceAll("\"", "")
    if (text[at] !== ")") return fail("expected )")
    at++
    return { name, value, children }
  }
  skipSpace()
  const root = node(0)
  while (at < text.length && (text.charCodeAt(at) <= 32)) at++
  if (at < text.length) return fail("trailing text")
  return root
}

const child = (node: DescriptorNode | undefined, name: string): DescriptorNode | undefined =>
  node?.children.find((candidate) => candidate.name === name)

/** What a client asks of the listener. */
export interface ConnectRequest {
  /** `SERVICE_NAME`, or `SID`, as written. */
  readonly serviceName: string | undefined
  readonly sid: string | undefined
  readonly instanceName: string | undefined
  readonly pooled: boolean
  readonly shardingKey: string | undefined
  readonly superShardingKey: string | undefined
  readonly connectionClass: string | undefined
  /** `NEW` or `SELF`. */
  readonly purity: string | undefined
  /** `STATEMENT` or `TRANSACTION`: the server may give the session back by itself at these boundaries. */
  readonly poolBoundary: string | undefined
  readonly program: string
  readonly host: string
  readonly osUser: string
  /** Every child of `CONNECT_DATA`, in order, `CID` excluded. */
  readonly parameters: ReadonlyArray<DescriptorNode>
}

const decodeKey = (data: DescriptorNode | undefined, name: string): string | undefined => {
  const plain = child(data, name)
  if (plain !== undefined) return plain.value
  const encoded = child(data, `${name}_B64`)
  return encoded === undefined ? undefined : Buffer.from(encoded.value, "base64").toString("utf8")
}

const nonEmpty = (text: string | undefined): string | undefined => text === undefined || text === "" ? undefined : text

/** Reads the connect data of a CONNECT packet. */
export const decodeConnectData = (text: string): ConnectRequest => {
  const root = parseDescriptor(text)
  const data = root.name === "CONNECT_DATA"
    ? root
    : child(root, "CONNECT_DATA") ?? child(child(root, "DESCRIPTION"), "CONNECT_DATA")
  const value = (name: string) => nonEmpty(child(data, name)?.value)
  const cid = child(data, "CID")
  return {
    serviceName: value("SERVICE_NAME"),
    sid: value("SID"),
    instanceName: value("INSTANCE_NAME"),
    pooled: value("SERVER")?.toUpperCase() === "POOLED",
    shardingKey: decodeKey(data, "SHARDING_KEY"),
    superShardingKey: decodeKey(data, "SUPER_SHARDING_KEY"),
    connectionClass: value("POOL_CONNECTION_CLASS"),
    purity: value("POOL_PURITY")?.toUpperCase(),
    poolBoundary: value("POOL_BOUNDARY")?.toUpperCase(),
    program: child(cid, "PROGRAM")?.value ?? "",
    host: child(cid, "HOST")?.value ?? "",
    osUser: child(cid, "USER")?.value ?? "",
    parameters: data?.children.filter((node) => node.name !== "CID") ?? []
  }
}
