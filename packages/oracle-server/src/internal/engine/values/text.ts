/** How texts are measured: in characters, which are code points, and in the bytes they take in the database. */

export const hasSurrogates = (text: string): boolean => /[\ud800-\udfff]/.test(text)

/** Characters as the database counts them: code points. */
export const points = (text: string): ReadonlyArray<string> => Array.from(text)

export const lengthOf = (text: string): number => hasSurrogates(text) ? points(text).length : text.length

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff

/** Text compares by code points, which differs from JavaScript's order of units where surrogates meet what is above them. */
export const compareText = (a: string, b: string): number => {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (x >= 0xd800 && y >= 0xd800 && isSurrogate(x) !== isSurrogate(y)) return isSurrogate(x) ? 1 : -1
    return x - y
  }
  return a.length - b.length
}

export const byteLength = (text: string): number => Buffer.byteLength(text)
