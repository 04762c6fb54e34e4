/** The numbers of a version, major first. */
export const versionParts = (version: string): ReadonlyArray<number> => version.split(".").map(Number)

const letters: { readonly [major: number]: string } = {
  11: "11g",
  12: "12c",
  18: "18c",
  19: "19c",
  21: "21c",
  23: "23ai"
}

/** The first line of `v$version` for a database of this version. */
export const productOf = (version: string): string => {
  const [major = 23, release = 0] = versionParts(version)
  const name = letters[major] ?? (major > 23 ? `${major}ai` : `${major}c`)
  const edition = major >= 23 ? "Free" : "Enterprise Edition"
  // Since 18c the release that is named is that of the year, whatever the update.
  const named = major >= 18 ? `${major}.0.0.0.0` : `${major}.${release}.0.0.0`
  return `Oracle Database ${name} ${edition} Release ${named} - Production`
}
