/** The four numbers in a physical rowid. */
export interface RowidParts {
  readonly rba: number
  readonly partition: number
  readonly block: number
  readonly slot: number
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

const decodePart = (text: string, from: number, to: number): number => {
  let value = 0
  for (let index = from; index < to; index++) {
    const digit = alphabet.indexOf(text[index]!)
    if (digit < 0) throw new TypeError(`not a rowid: ${text}`)
    value = value * 64 + digit
  }
  return value
}

/** Takes the 18 characters of a rowid apart. */
export const parseRowid = (text: string): RowidParts => {
  if (text.length !== 18) throw new TypeError(`not a rowid: ${text}`)
  return {
    rba: decodePart(text, 0, 6),
    partition: decodePart(text, 6, 9),
    block: decodePart(text, 9, 15),
    slot: decodePart(text, 15, 18)
  }
}

const encodePart = (value: number, width: number): string => {
  let text = ""
  for (let index = 0; index < width; index++) {
    text = alphabet[value % 64]! + text
    value = Math.floor(value / 64)
  }
  return text
}

export const formatRowid = (parts: RowidParts): string =>
  encodePart(parts.rba, 6) + encodePart(parts.partition, 3) + encodePart(parts.block, 6) + encodePart(parts.slot, 3)
