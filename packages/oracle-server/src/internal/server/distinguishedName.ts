/** Distinguished names as text: `CN=scott,O=Shop`. */

const longNames: Readonly<Record<string, string>> = {
  CN: "commonName",
  O: "organizationName",
  OU: "organizationalUnitName",
  C: "countryName",
  L: "localityName",
  ST: "stateOrProvinceName"
}

/** The name of a certificate's subject, as TLS gives it. */
export const distinguishedName = (subject: object): string =>
  Object.entries(subject)
    .flatMap(([attribute, value]) => [value].flat().map((one) => `${attribute}=${String(one)}`))
    .join(",")

/** The attributes of a name; commas in values are not known. */
export const attributesOf = (name: string): ReadonlyArray<{ readonly name: string; readonly value: string }> =>
  name.split(",").map((part) => {
    const at = part.indexOf("=")
    const short = part.slice(0, at).trim().toUpperCase()
    const long = longNames[short]
    if (at < 0 || long === undefined) {
      throw new Error(`"${name}" is no distinguished name: expected one such as CN=scott,O=Shop`)
    }
    return { name: long, value: part.slice(at + 1).trim() }
  })

const parts = (name: string): string =>
  name.split(",").map((part) => part.trim().toUpperCase().replace(/\s*=\s*/, "=")).toSorted().join(",")

/** True for the same attributes, in any order and in any case. */
export const isSameName = (a: string, b: string): boolean => parts(a) === parts(b)
