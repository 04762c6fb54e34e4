/** How texts are measured: in characters, which are code points, and in the bytes they take in the database. */

export const hasSurrogates = (text: string): boolean => /[\ud800-\udfff]/.test(text)

/** Characters as the database counts them: code points. */
export const points = (text: string): ReadonlyArray<string> => Array.from(text)

export const lengthOf = (text: string): number => hasSurrogates(text) ? points(text).length : text.length

export const byteLength = (text: string): number => Buffer.byteLength(text)
