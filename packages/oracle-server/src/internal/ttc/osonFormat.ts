/** The constants of OSON, for its reader and its writer. */
// OSON is the binary form of JSON: a dictionary of field names, then a tree whose containers hold offsets to their
// children. Facts from lib/impl/datahandlers/oson.js of the driver.

export const magic = [0xff, 0x4a, 0x5a] as const
export const versionShortNames = 1
export const versionLongNames = 3

export const Flag = {
  relativeOffsets: 0x0001,
  inlineLeaf: 0x0002,
  lengthInNode: 0x0004,
  names32: 0x0008,
  scalar: 0x0010,
  hash8: 0x0100,
  names16: 0x0400,
  nameSegment32: 0x0800,
  tree32: 0x1000,
  tinyNodes: 0x2000
} as const

export const longNameSegment16 = 0x0100

export const Node = {
  null: 0x30,
  true: 0x31,
  false: 0x32,
  string8: 0x33,
  number8: 0x34,
  binaryDouble: 0x36,
  string16: 0x37,
  string32: 0x38,
  timestamp: 0x39,
  binary16: 0x3a,
  binary32: 0x3b,
  date: 0x3c,
  intervalYm: 0x3d,
  intervalDs: 0x3e,
  extended: 0x7b,
  timestampTz: 0x7c,
  timestamp7: 0x7d,
  id: 0x7e,
  binaryFloat: 0x7f,
  object: 0x84,
  array: 0xc0
} as const

export const offset32 = 0x20
