/** Addresses that other software reads and the driver does not: what they are, and what to write instead. */

const provider = /^\s*config-[a-z0-9]+:\/\//i

/** Whether the driver asks a configuration provider for the real connect string. */
export const isProvided = (text: string): boolean => provider.test(text)

const host = String.raw`(\[[0-9a-f:.%]+\]|[\w.-]+)`
const withSid = new RegExp(String.raw`^(?:\/\/)?${host}:(\d+):([\w$#.-]+)$`, "i")
const withService = new RegExp(String.raw`^(?:tcps?:)?(?:\/\/)?${host}(?::\d+)?(?:\/[\w.$#-]+)?$`, "i")

/** The address in a JDBC URL, without who logs on and without parameters, as the driver takes it. */
const addressIn = (url: string): string | undefined => {
  const address = url.slice(url.lastIndexOf("@") + 1).replace(/\?.*$/s, "").trim()
  const sid = withSid.exec(address)
  if (sid !== null) {
    return `(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=${sid[1]})(PORT=${sid[2]}))(CONNECT_DATA=(SID=${sid[3]})))`
  }
  if (!withService.test(address)) return undefined
  return address.startsWith("//") ? address.slice(2) : address
}

/** What is wrong with an address of JDBC, without what it may say of a user and a password; `undefined` for any other text. */
export const foreignUrl = (text: string): string | undefined => {
  if (!/^\s*jdbc\s*:/i.test(text)) return undefined
  const address = text.includes("@") ? addressIn(text) : undefined
  const instead = address ?? "host:port/service, a descriptor or an alias"
  return `is a JDBC URL, which only Java's driver reads: write ${instead}, and give user and password as options of the pool`
}
