/** DBMS_ASSERT: texts that are to become parts of statements. */
import { oraError } from "../../values/oraError.ts"
import type { Native, SystemPackage } from "../native.ts"
import { textOf } from "./arguments.ts"

const simple = /^\s*(?:[\p{L}][\p{L}\p{N}_$#]{0,127}|"[^"\0]{1,128}")\s*$/u

const isQualified = (text: string): boolean => {
  const [path, link, ...more] = text.split("@")
  const parts = path!.match(/"[^"]*"|[^."]+/g) ?? []
  return more.length === 0 && parts.length > 0 && parts.length <= 3 &&
    parts.every((part) => simple.test(part)) && parts.join(".") === path!.trim() &&
    (link === undefined || /^[\p{L}][\p{L}\p{N}_$#.]*$/u.test(link))
}

const nameOf = (text: string): string => text.startsWith("\"") ? text.slice(1, -1) : text.toUpperCase()

const valueError = (): Error => oraError(6502, "PL/SQL: numeric or value error")

const enquoteLiteral: Native = (_, args) => {
  const text = textOf(args["str"])
  if (text === null) return "''"
  const inner = text.startsWith("'") && text.endsWith("'") && text.length > 1 ? text.slice(1, -1) : text
  if (inner.replaceAll("''", "").includes("'")) throw valueError()
  return `'${inner}'`
}

const enquoteName: Native = (_, args) => {
  const text = textOf(args["str"])
  if (text === null) throw valueError()
  if (text.startsWith("\"")) {
    if (!/^"[^"]+"$/.test(text)) throw oraError(44003, "invalid SQL name")
    return text
  }
  if (text.includes("\"")) throw oraError(44003, "invalid SQL name")
  return `"${args["capitalize"] === 0 ? text : text.toUpperCase()}"`
}

export const dbmsAssert: SystemPackage = {
  spec: `package dbms_assert is
  function enquote_literal(str in varchar2) return varchar2;
  function enquote_name(str in varchar2, capitalize in boolean default true) return varchar2;
  function noop(str in varchar2) return varchar2;
  function simple_sql_name(str in varchar2) return varchar2;
  function qualified_sql_name(str in varchar2) return varchar2;
  function schema_name(str in varchar2) return varchar2;
  function sql_object_name(str in varchar2) return varchar2;
end;`,
  natives: {
    ENQUOTE_LITERAL: enquoteLiteral,
    ENQUOTE_NAME: enquoteName,
    NOOP: (_, args) => args["str"]!,
    SIMPLE_SQL_NAME: (_, args) => {
      const text = textOf(args["str"])
      if (text === null || !simple.test(text)) throw oraError(44003, "invalid SQL name")
      return text.trim()
    },
    QUALIFIED_SQL_NAME: (_, args) => {
      const text = textOf(args["str"])
      if (text === null || !isQualified(text)) throw oraError(44004, "invalid qualified SQL name")
      return text
    },
    SCHEMA_NAME: ({ host }, args) => {
      const text = textOf(args["str"])
      if (text === null || !host.core.catalog.schemas.has(text)) throw oraError(44001, "invalid schema")
      return text
    },
    SQL_OBJECT_NAME: ({ host, session }, args) => {
      const text = textOf(args["str"])
      const path = (text?.match(/"[^"]*"|[^."]+/g) ?? []).map(nameOf)
      if (text === null || host.core.catalog.find(path, session.currentSchema) === undefined) {
        throw oraError(44002, "invalid object name")
      }
      return text
    }
  }
}
