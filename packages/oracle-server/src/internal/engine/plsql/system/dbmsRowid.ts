/** DBMS_ROWID: the parts of a rowid. */
import { oraError } from "../../values/oraError.ts"
import { partsOfRowid, rowidOfParts } from "../../values/rowid.ts"
import type { Native, SystemPackage } from "../native.ts"
import { integerOf, number, textOf } from "./arguments.ts"

const part = (name: "object" | "file" | "block" | "row"): Native => (_, args) => {
  const text = textOf(args["row_id"])
  if (text === null) throw oraError(1410, "invalid ROWID")
  return number(partsOfRowid(text)[name])
}

export const dbmsRowid: SystemPackage = {
  spec: `package dbms_rowid is
  rowid_type_restricted constant integer := 0;
  rowid_type_extended constant integer := 1;
  function rowid_create(rowid_type in number, object_number in number, relative_fno in number, block_number in number,
    row_number in number) return rowid;
  function rowid_type(row_id in rowid) return number;
  function rowid_object(row_id in rowid) return number;
  function rowid_relative_fno(row_id in rowid, ts_type_in in varchar2 default 'SMALLFILE') return number;
  function rowid_block_number(row_id in rowid, ts_type_in in varchar2 default 'SMALLFILE') return number;
  function rowid_row_number(row_id in rowid) return number;
end;`,
  natives: {
    ROWID_CREATE: (_, args) => {
      if (integerOf(args["rowid_type"]) !== 1) throw oraError(1410, "invalid ROWID")
      return rowidOfParts({
        object: integerOf(args["object_number"]) ?? 0,
        file: integerOf(args["relative_fno"]) ?? 0,
        block: integerOf(args["block_number"]) ?? 0,
        row: integerOf(args["row_number"]) ?? 0
      })
    },
    ROWID_TYPE: () => number(1),
    ROWID_OBJECT: part("object"),
    ROWID_RELATIVE_FNO: part("file"),
    ROWID_BLOCK_NUMBER: part("block"),
    ROWID_ROW_NUMBER: part("row")
  }
}
