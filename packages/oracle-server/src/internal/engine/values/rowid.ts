/** ROWID: object, file, block and slot in base 64, as the database prints them. */
import { oraError } from "./oraError.ts"

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

const encode = (value: number, width: number): string => {
  let text = ""
  let rest = value
  for (let i = 0; i < width; i++) {
    text = alphabet[rest % 64]! + text
    rest = Math.floor(rest / 64)
  }
  return text
}

const decode = (text: string): number => {
  let value = 0
  for (const c of text) {
    const digit = alphabet.indexOf(c)
    if (digit < 0) throw oraError(1410, "invalid ROWID")
    value = value * 64 + digit
  }
  return value
}

const rowsPerBlock = 256

export const formatRowid = (object: number, row: number): string =>
  encode(object, 6) + encode(7, 3) + encode(128 + Math.floor(row / rowsPerBlock), 6) + encode(row % rowsPerBlock, 3)

/** The logical row, or -1 when the rowid names a row of another table. */
export const rowOf = (object: number, text: string): number => {
  if (text.length !== 18) throw oraError(1410, "invalid ROWID")
  const row = (decode(text.slice(9, 15)) - 128) * rowsPerBlock + decode(text.slice(15))
  return decode(text.slice(0, 6)) === object ? row : -1
}

/** The numbers that a rowid is made of. */
interface RowidNumbers {
  readonly object: number
  readonly file: number
  readonly block: number
  readonly row: number
}

export const partsOfRowid = (text: string): RowidNumbers => {
  if (text.length !== 18) throw oraError(1410, "invalid ROWID")
  return {
    object: decode(text.slice(0, 6)),
    file: decode(text.slice(6, 9)),
    block: decode(text.slice(9, 15)),
    row: decode(text.slice(15))
  }
}

export const rowidOfParts = ({ block, file, object, row }: RowidNumbers): string =>
  encode(object, 6) + encode(file, 3) + encode(block, 6) + encode(row, 3)
