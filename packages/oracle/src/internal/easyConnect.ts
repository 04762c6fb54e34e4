/**
 * Easy connect (plus) strings: `[[protocol:]//]host[,host][:port][;...][/service][:server][/instance][?name=value&...]`.
 *
 * The descriptor that comes out is the one that the driver makes (`lib/thin/sqlnet/ezConnectResolver.js`), with those parameters
 * kept that the driver drops without a word: the keys of sharded databases, the TLS settings of an address without TLS, `expire_time`,
 * `pool_name`, `region`, and a proxy's port without its host. An unknown parameter is a failure here.
 */
import { malformed } from "./connectDescriptorError.ts"
import type { Parameter } from "./descriptorText.ts"

type Place = "description" | "connectData" | "security" | "address"

/** Where each parameter goes, and its name there when that is another one. */
export const places: Readonly<Record<string, readonly [Place, string?]>> = {
  enable: ["description"],
  compression: ["description"],
  failover: ["description"],
  load_balance: ["description"],
  recv_buf_size: ["description"],
  send_buf_size: ["description"],
  sdu: ["description"],
  source_route: ["description"],
  retry_count: ["description"],
  retry_delay: ["description"],
  connect_timeout: ["description"],
  transport_connect_timeout: ["description"],
  recv_timeout: ["description"],
  expire_time: ["description"],
  use_sni: ["description"],
  https_proxy: ["address"],
  https_proxy_port: ["address"],
  ssl_server_dn_match: ["security"],
  ssl_server_cert_dn: ["security"],
  ssl_allow_weak_dn_match: ["security"],
  tls_server_dn_match: ["security", "SSL_SERVER_DN_MATCH"],
  tls_server_cert_dn: ["security", "SSL_SERVER_CERT_DN"],
  tls_allow_weak_dn_match: ["security", "SSL_ALLOW_WEAK_DN_MATCH"],
  wallet_location: ["security", "MY_WALLET_DIRECTORY"],
  pool_connection_class: ["connectData"],
  pool_purity: ["connectData"],
  service_tag: ["connectData"],
  connection_id_prefix: ["connectData"],
  pool_boundary: ["connectData"],
  pool_name: ["connectData"],
  region: ["connectData"],
  sharding_key: ["connectData"],
  super_sharding_key: ["connectData"],
  sharding_key_b64: ["connectData"],
  super_sharding_key_b64: ["connectData"]
}

/** Whether an easy connect string may have a parameter of this name. */
export const isEasyConnectParameter = (name: string): boolean => Object.hasOwn(places, name.trim().toLowerCase())

const defaultPort = "1521"

interface Setting {
  readonly place: Place
  readonly name: string
  readonly value: string
}

/** Reads `name=value&name="other value"`; space counts only inside quotation marks. */
const parseSettings = (text: string, base: number): ReadonlyArray<Setting> => {
  // Of a parameter that is given twice the last value counts, in the place of the first.
  const settings = new Map<string, Setting>()
  let start = 0
  let key: string | undefined
  let token = ""
  const finish = (end: number) => {
    if (key === undefined) {
      if (token !== "") malformed(base + start, "expected name=value")
    } else {
      const [place, renamed] = (isEasyConnectParameter(key) ? places[key.toLowerCase()] : undefined) ?? malformed(
        base + start,
        // Its name is not repeated: it may be a piece of a password.
        "no easy connect parameter has this name; in a full descriptor anything can be set"
      )
      if (/[()]/.test(token)) malformed(base + start, "a value cannot hold parentheses")
      const name = renamed ?? key.toUpperCase()
      settings.set(name, { place, name, value: token.trim() })
    }
    key = undefined
    token = ""
    start = end + 1
  }
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ""
    if (char === "\"") {
      const close = text.indexOf("\"", at + 1)
      if (close < 0) malformed(base + at, "the quotation mark \" is not closed")
      token += text.slice(at + 1, close)
      at = close
    } else if (char === "=") {
      if (key !== undefined) malformed(base + at, "found a second \"=\"; put the value in quotation marks")
      key = token.trim()
      token = ""
    } else if (char === "&") {
      finish(at)
    } else if (!/\s/.test(char)) {
      token += char
    }
  }
  finish(text.length)
  return [...settings.values()]
}

/** Reads an easy connect string into a descriptor; positions in failures begin at `base`. */
export const parseEasyConnect = (text: string, base: number): Parameter => {
  const question = text.indexOf("?")
  const settings = question < 0 ? [] : parseSettings(text.slice(question + 1), base + question + 1)
  const at = (place: Place): ReadonlyArray<Parameter> =>
    settings.filter((setting) => setting.place === place).map(({ name, value }) => ({ name, value }))

  // As in the driver, space does not count; `origin` leads back to where each character stood.
  const origin: Array<number> = []
  let main = ""
  for (const [index, char] of (question < 0 ? text : text.slice(0, question)).split("").entries()) {
    if (/\s/.test(char)) continue
    origin.push(index)
    main += char
  }
  let position = 0
  const fail = (what: string, where = position): never => malformed(base + (origin[where] ?? text.length), what)
  const take = (pattern: RegExp): string | undefined => {
    const sticky = new RegExp(pattern.source, "iy")
    sticky.lastIndex = position
    const match = sticky.exec(main)?.[0]
    if (match !== undefined) position += match.length
    return match
  }

  const credentials = main.indexOf("@")
  if (credentials >= 0) {
    fail("found \"@\"; user and password are options of the pool and no part of a connect string", credentials)
  }
  const scheme = take(/[a-z0-9]+:\/\//)
  const protocol = scheme?.slice(0, -3) ?? "TCP"
  if (scheme === undefined) take(/\/\//)
  else if (!/^tcps?$/i.test(protocol)) fail(`the protocol "${protocol}" is not tcp or tcps`, 0)

  const address = (host: string, port: string): Parameter => ({
    name: "ADDRESS",
    value: [{ name: "PROTOCOL", value: protocol }, { name: "HOST", value: host }, { name: "PORT", value: port }]
      .concat(at("address").map(({ name, value }) => ({ name, value: String(value) })))
  })
  const groups: Array<Array<Parameter>> = [[]]
  let hosts: Array<string> = []
  const closeHosts = (port: string) => {
    groups.at(-1)?.push(...hosts.map((host) => address(host, port)))
    hosts = []
  }
  for (;;) {
    const host = take(/\[[0-9a-z:.%]+\]|[a-z0-9_][\w.-]*/) ?? fail("expected a host")
    hosts.push(host.replace(/^\[|\]$/g, ""))
    const port = take(/:\d+/) ?? take(/:(?=[,;/]|$)/)
    if (port !== undefined) closeHosts(port.slice(1) || defaultPort)
    const separator = take(/[,;]/)
    if (separator === undefined) break
    if (separator === ";") {
      closeHosts(defaultPort)
      groups.push([])
    }
  }
  closeHosts(defaultPort)

  let service = ""
  if (take(/\//) !== undefined) service = take(/[\w.,$#-]+/) ?? ""
  const server = take(/:(dedicated|shared|pooled)(?![\w.-])/)?.slice(1)
  const instance = take(/\/[\w$#.-]+/)?.slice(1)
  if (position < main.length) {
    fail(`expected the end of the host, service, server or instance, found "${main[position]}"`)
  }

  const connectData: Array<Parameter> = [{ name: "SERVICE_NAME", value: service }]
  if (server !== undefined) connectData.push({ name: "SERVER", value: server })
  if (instance !== undefined) connectData.push({ name: "INSTANCE_NAME", value: instance })
  const description = at("description")
  const balanced: ReadonlyArray<Parameter> = [{ name: "LOAD_BALANCE", value: "ON" }]
  const automatic = groups.length === 1 && (groups[0]?.length ?? 0) > 1
    && !description.some((parameter) => parameter.name === "LOAD_BALANCE")
  const addresses = groups.length === 1
    ? groups.flat()
    : groups.map((group) => ({ name: "ADDRESS_LIST", value: group.length > 1 ? [...balanced, ...group] : group }))
  const security = at("security").filter(({ name, value }) =>
    name !== "MY_WALLET_DIRECTORY" || !/^system$/i.test(String(value))
  )
  return {
    name: "DESCRIPTION",
    value: [
      ...(automatic ? balanced : []),
      ...description,
      ...addresses,
      { name: "CONNECT_DATA", value: [...connectData, ...at("connectData")] },
      ...(security.length === 0 ? [] : [{ name: "SECURITY", value: security }])
    ]
  }
}
