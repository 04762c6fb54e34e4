/** The schema SCOTT, made by `sessionpool-oracle generate`: not to be edited, but made again. */
import { OracleBind, type OracleConnection } from "@sessionpool/oracle"
import { Effect, Schema } from "effect"

type Connection = OracleConnection.OracleConnection

const values = { columnNames: "camel", numbers: "number" } as const

/** The object type GEN_ADDRESS. */
export const GenAddress = Schema.Struct({
  street: Schema.NullOr(Schema.String),
  zip: Schema.NullOr(Schema.Number),
  since: Schema.NullOr(Schema.Date)
})
export type GenAddress = typeof GenAddress.Type
export const GenAddressType = OracleBind.object("GEN_ADDRESS", GenAddress)

/** The collection GEN_IDS. */
export const GenIds = Schema.Array(Schema.NullOr(Schema.Number))
export type GenIds = typeof GenIds.Type
export const GenIdsType = OracleBind.collection("GEN_IDS", Schema.NullOr(Schema.Number))

/** The object type GEN_PERSON. */
export const GenPerson = Schema.Struct({
  name: Schema.NullOr(Schema.String),
  home: Schema.NullOr(GenAddress),
  ids: Schema.NullOr(GenIds)
})
export type GenPerson = typeof GenPerson.Type
export const GenPersonType = OracleBind.object("GEN_PERSON", GenPerson)

/** The record GEN_SHOP.LINE. */
export const GenShopLine = Schema.Struct({
  item: Schema.NullOr(Schema.String),
  amount: Schema.NullOr(Schema.Number)
})
export type GenShopLine = typeof GenShopLine.Type
export const GenShopLineType = OracleBind.object("GEN_SHOP.LINE", GenShopLine)

/** The index-by table GEN_SHOP.NAMES. */
export const GenShopNamesType = OracleBind.array("string")

/** A row of GEN_PAIRS. */
export const GenPairsRow = Schema.Struct({
  leftOne: Schema.Number,
  rightOne: Schema.NullOr(Schema.String)
})
export type GenPairsRow = typeof GenPairsRow.Type

/** A row of GEN_PEOPLE. */
export const GenPeopleRow = Schema.Struct({
  id: Schema.Number,
  who: Schema.NullOr(GenPerson),
  born: Schema.NullOr(Schema.Date),
  notes: Schema.NullOr(Schema.String)
})
export type GenPeopleRow = typeof GenPeopleRow.Type

/** A row of GEN_PAIRS as a record. */
export const GenPairsRecord = Schema.Struct({
  leftOne: Schema.NullOr(Schema.Number),
  rightOne: Schema.NullOr(Schema.String)
})
export type GenPairsRecord = typeof GenPairsRecord.Type
export const GenPairsRecordType = OracleBind.object("GEN_PAIRS%ROWTYPE", GenPairsRecord)

/** The procedure GEN_MOVE. */
export const genMove = (
  connection: Connection,
  args: {
    readonly pPerson: GenPerson | null
    readonly pStreet?: string | null | undefined
  }
) =>
  Effect.map(
    connection.call("GEN_MOVE", {
      P_PERSON: OracleBind.inOut(GenPersonType, args.pPerson),
      ...(args.pStreet !== undefined && { P_STREET: OracleBind.input("string", args.pStreet) })
    }, values),
    (out) => ({
      pPerson: out.P_PERSON
    })
  )

/** The procedure GEN_PAIR. */
export const genPair = (
  connection: Connection,
  args: {
    readonly pPair: GenPairsRecord | null
  }
) =>
  Effect.map(
    connection.call("GEN_PAIR", {
      P_PAIR: OracleBind.inOut(GenPairsRecordType, args.pPair)
    }, values),
    (out) => ({
      pPair: out.P_PAIR
    })
  )

/** The function GEN_SPLIT. */
export const genSplit = (
  connection: Connection,
  args: {
    readonly pText: string | null
  }
) =>
  Effect.map(
    connection.execute("begin :sp_result := GEN_SPLIT(P_TEXT => :P_TEXT, P_REST => :P_REST); end;", {
      sp_result: OracleBind.out("string", { maxSize: 32767 }),
      P_TEXT: OracleBind.input("string", args.pText),
      P_REST: OracleBind.out("string", { maxSize: 32767 })
    }, values),
    ({ outBinds: out }) => ({
      result: out.sp_result,
      pRest: out.P_REST
    })
  )

/** The function GEN_TOTAL. */
export const genTotal = (
  connection: Connection,
  args: {
    readonly pIds: GenIds | null
  }
) =>
  connection.callFunction("GEN_TOTAL", OracleBind.out("number"), {
    P_IDS: OracleBind.input(GenIdsType, args.pIds)
  }, values)

/** The procedure GEN_TOUCH. */
export const genTouch = (connection: Connection) => Effect.asVoid(connection.call("GEN_TOUCH", {}, values))

/** The package GEN_SHOP. */
export const genShop = {
  /** The procedure FIND. */
  find: (
    connection: Connection,
    args: {
      readonly pId: number | null
    }
  ) =>
    Effect.asVoid(connection.call("GEN_SHOP.FIND", {
      P_ID: OracleBind.input("number", args.pId)
    }, values)),
  /** The procedure FIND. */
  find2: (
    connection: Connection,
    args: {
      readonly pName: string | null
    }
  ) =>
    Effect.map(
      connection.call("GEN_SHOP.FIND", {
        P_NAME: OracleBind.input("string", args.pName),
        P_FOUND: OracleBind.out("number")
      }, values),
      (out) => ({
        pFound: out.P_FOUND
      })
    ),
  /** The procedure PUT. */
  put: (
    connection: Connection,
    args: {
      readonly pLine: GenShopLine | null
    }
  ) =>
    Effect.map(
      connection.call("GEN_SHOP.PUT", {
        P_LINE: OracleBind.inOut(GenShopLineType, args.pLine)
      }, values),
      (out) => ({
        pLine: out.P_LINE
      })
    ),
  /** The function ROWS_OF. */
  rowsOf: (
    connection: Connection,
    args: {
      readonly pLimit?: number | null | undefined
    } = {}
  ) =>
    connection.callFunction("GEN_SHOP.ROWS_OF", OracleBind.out("cursor"), {
      ...(args.pLimit !== undefined && { P_LIMIT: OracleBind.input("number", args.pLimit) })
    }, values),
  /** The procedure UPPER_ALL. */
  upperAll: (
    connection: Connection,
    args: {
      readonly pNames: ReadonlyArray<string | null>
    }
  ) =>
    Effect.map(
      connection.call("GEN_SHOP.UPPER_ALL", {
        P_NAMES: OracleBind.inOut(GenShopNamesType, args.pNames)
      }, values),
      (out) => ({
        pNames: out.P_NAMES
      })
    )
}

// Not made:
// - type GEN_DOCUMENT: it has a CLOB in it
// - type GEN_SHOP.PRICES: the driver cannot bind what is indexed by text
// - function GEN_READ: P_DOCUMENT is GEN_DOCUMENT: it has a CLOB in it
// - procedure GEN_SHOP.PRICE: P_PRICES is PRICES: the driver cannot bind what is indexed by text
