/** The names of privileges and predefined roles, and which privilege on any object stands for one on a single object. */

/** Objects that privileges are granted on. */
export type PrivilegeKind = "table" | "view" | "sequence" | "procedure" | "package" | "type" | "domain"

const anyKinds: Readonly<Record<string, string>> = {
  TABLE: "CREATE ALTER BACKUP COMMENT DELETE DROP INSERT LOCK READ SELECT UNDER UPDATE FLASHBACK REDEFINE",
  VIEW: "CREATE DROP MERGE UNDER",
  SEQUENCE: "CREATE ALTER DROP SELECT",
  PROCEDURE: "CREATE ALTER DROP EXECUTE DEBUG",
  TYPE: "CREATE ALTER DROP EXECUTE UNDER",
  TRIGGER: "CREATE ALTER DROP",
  INDEX: "CREATE ALTER DROP",
  SYNONYM: "CREATE DROP",
  CLUSTER: "CREATE ALTER DROP",
  CONTEXT: "CREATE DROP",
  DIRECTORY: "CREATE DROP",
  LIBRARY: "CREATE ALTER DROP EXECUTE",
  "MATERIALIZED VIEW": "CREATE ALTER DROP",
  OPERATOR: "CREATE ALTER DROP EXECUTE",
  INDEXTYPE: "CREATE ALTER DROP EXECUTE",
  DIMENSION: "CREATE ALTER DROP",
  OUTLINE: "CREATE ALTER DROP",
  ROLE: "ALTER DROP GRANT",
  DOMAIN: "CREATE ALTER DROP EXECUTE",
  "EVALUATION CONTEXT": "CREATE ALTER DROP EXECUTE",
  RULE: "CREATE ALTER DROP EXECUTE",
  "RULE SET": "CREATE ALTER DROP EXECUTE",
  EDITION: "CREATE ALTER DROP",
  JOB: "CREATE",
  "SQL PROFILE": "CREATE ALTER DROP",
  QUEUE: "MANAGE ENQUEUE DEQUEUE",
  PROGRAM: "EXECUTE",
  CLASS: "EXECUTE",
  STATISTICS: "",
  DICTIONARY: "ANALYZE SELECT",
  TRANSACTION: "FORCE SELECT"
}

const plainPrivileges = [
  "ADMINISTER DATABASE TRIGGER",
  "ADMINISTER RESOURCE MANAGER",
  "ADMINISTER SQL MANAGEMENT OBJECT",
  "ADMINISTER SQL TUNING SET",
  "ADVISOR",
  "ALTER DATABASE",
  "ALTER DATABASE LINK",
  "ALTER PROFILE",
  "ALTER PUBLIC DATABASE LINK",
  "ALTER RESOURCE COST",
  "ALTER ROLLBACK SEGMENT",
  "ALTER SESSION",
  "ALTER SYSTEM",
  "ALTER TABLESPACE",
  "ALTER USER",
  "ANALYZE ANY",
  "AUDIT ANY",
  "AUDIT SYSTEM",
  "BECOME USER",
  "CHANGE NOTIFICATION",
  "CREATE CLUSTER",
  "CREATE DATABASE LINK",
  "CREATE DIMENSION",
  "CREATE DOMAIN",
  "CREATE EXTERNAL JOB",
  "CREATE INDEXTYPE",
  "CREATE JOB",
  "CREATE LIBRARY",
  "CREATE MATERIALIZED VIEW",
  "CREATE MLE",
  "CREATE OPERATOR",
  "CREATE PROCEDURE",
  "CREATE PROFILE",
  "CREATE PROPERTY GRAPH",
  "CREATE PUBLIC DATABASE LINK",
  "CREATE PUBLIC SYNONYM",
  "CREATE ROLE",
  "CREATE ROLLBACK SEGMENT",
  "CREATE SEQUENCE",
  "CREATE SESSION",
  "CREATE SYNONYM",
  "CREATE TABLE",
  "CREATE TABLESPACE",
  "CREATE TRIGGER",
  "CREATE TYPE",
  "CREATE USER",
  "CREATE VIEW",
  "DEBUG CONNECT ANY",
  "DEBUG CONNECT SESSION",
  "DROP PROFILE",
  "DROP PUBLIC DATABASE LINK",
  "DROP PUBLIC SYNONYM",
  "DROP ROLLBACK SEGMENT",
  "DROP TABLESPACE",
  "DROP USER",
  "EXECUTE DYNAMIC MLE",
  "EXEMPT ACCESS POLICY",
  "EXEMPT REDACTION POLICY",
  "EXPORT FULL DATABASE",
  "FLASHBACK ARCHIVE ADMINISTER",
  "FORCE TRANSACTION",
  "GLOBAL QUERY REWRITE",
  "GRANT ANY OBJECT PRIVILEGE",
  "GRANT ANY PRIVILEGE",
  "GRANT ANY SCHEMA PRIVILEGE",
  "IMPORT FULL DATABASE",
  "INHERIT ANY PRIVILEGES",
  "KEEP DATE TIME",
  "KEEP SYSGUID",
  "LOGMINING",
  "MANAGE SCHEDULER",
  "MANAGE TABLESPACE",
  "ON COMMIT REFRESH",
  "PURGE DBA_RECYCLEBIN",
  "QUERY REWRITE",
  "RESTRICTED SESSION",
  "RESUMABLE",
  "SET CONTAINER",
  "UNLIMITED TABLESPACE"
]

/** Every system privilege, in the order of the alphabet. */
export const systemPrivileges: ReadonlyArray<string> = [
  ...plainPrivileges,
  ...Object.entries(anyKinds).flatMap(([kind, verbs]) =>
    verbs.split(" ").flatMap((verb) => verb === "" ? [] : [`${verb} ANY ${kind}`])
  )
].toSorted()

const known = new Set(systemPrivileges)

/** Those that are an administrator's way to log on: they are neither granted with others nor counted among them. */
export const administrative: ReadonlySet<string> = new Set([
  "SYSDBA",
  "SYSOPER",
  "SYSBACKUP",
  "SYSDG",
  "SYSKM",
  "SYSRAC"
])

export const isSystemPrivilege = (name: string): boolean => known.has(name) || administrative.has(name)

const tablePrivileges = [
  "ALTER",
  "DEBUG",
  "DELETE",
  "FLASHBACK",
  "INDEX",
  "INSERT",
  "ON COMMIT REFRESH",
  "QUERY REWRITE",
  "READ",
  "REFERENCES",
  "SELECT",
  "UPDATE"
]
const viewPrivileges = [
  "DEBUG",
  "DELETE",
  "FLASHBACK",
  "INSERT",
  "MERGE VIEW",
  "ON COMMIT REFRESH",
  "QUERY REWRITE",
  "READ",
  "REFERENCES",
  "SELECT",
  "UNDER",
  "UPDATE"
]

/** What `ALL` on an object of the kind stands for. */
export const objectPrivileges: Readonly<Record<PrivilegeKind, ReadonlyArray<string>>> = {
  table: tablePrivileges,
  view: viewPrivileges,
  sequence: ["ALTER", "KEEP SEQUENCE", "SELECT"],
  procedure: ["DEBUG", "EXECUTE"],
  package: ["DEBUG", "EXECUTE"],
  type: ["DEBUG", "EXECUTE", "UNDER"],
  domain: ["EXECUTE"]
}

export const isObjectPrivilege = (name: string): boolean =>
  Object.values(objectPrivileges).some((list) => list.includes(name))

const anyNames: Readonly<Record<PrivilegeKind, string>> = {
  table: "ANY TABLE",
  view: "ANY TABLE",
  sequence: "ANY SEQUENCE",
  procedure: "ANY PROCEDURE",
  package: "ANY PROCEDURE",
  type: "ANY TYPE",
  domain: "ANY DOMAIN"
}

/** System privileges that allow the same on every object of the kind. */
export const anyPrivileges = (privilege: string, kind: PrivilegeKind): ReadonlyArray<string> => {
  switch (privilege) {
    case "READ":
      return ["READ ANY TABLE", "SELECT ANY TABLE"]
    case "INDEX":
      return ["CREATE ANY INDEX"]
    case "REFERENCES":
      return []
    case "MERGE VIEW":
      return ["MERGE ANY VIEW"]
    case "DROP":
      return [kind === "view" ? "DROP ANY VIEW" : `DROP ${anyNames[kind]}`]
    default:
      return known.has(`${privilege} ${anyNames[kind]}`) ? [`${privilege} ${anyNames[kind]}`] : []
  }
}

/** Roles that every database has, with their system privileges; `*` stands for all of them. */
export const predefinedRoles: Readonly<Record<string, string>> = {
  CONNECT: "CREATE SESSION,SET CONTAINER",
  RESOURCE: "CREATE CLUSTER,CREATE INDEXTYPE,CREATE OPERATOR,CREATE PROCEDURE,CREATE SEQUENCE,CREATE TABLE," +
    "CREATE TRIGGER,CREATE TYPE,CREATE VIEW,CREATE SYNONYM,CREATE MATERIALIZED VIEW,CREATE JOB,CREATE PROPERTY GRAPH",
  DBA: "*",
  PDB_DBA: "*",
  DB_DEVELOPER_ROLE: "CREATE DIMENSION,CREATE DOMAIN,CREATE JOB,CREATE MATERIALIZED VIEW,CREATE MLE,CREATE PROCEDURE," +
    "CREATE SEQUENCE,CREATE SESSION,CREATE SYNONYM,CREATE TABLE,CREATE TRIGGER,CREATE TYPE,CREATE VIEW," +
    "DEBUG CONNECT SESSION,EXECUTE DYNAMIC MLE,FORCE TRANSACTION,ON COMMIT REFRESH",
  SELECT_CATALOG_ROLE: "",
  EXECUTE_CATALOG_ROLE: "",
  EXP_FULL_DATABASE: "CREATE SESSION,CREATE TABLE,EXPORT FULL DATABASE,SELECT ANY TABLE,READ ANY TABLE",
  IMP_FULL_DATABASE: "CREATE SESSION,CREATE TABLE,IMPORT FULL DATABASE,CREATE ANY TABLE,INSERT ANY TABLE",
  AQ_ADMINISTRATOR_ROLE: "DEQUEUE ANY QUEUE,ENQUEUE ANY QUEUE,MANAGE ANY QUEUE",
  AQ_USER_ROLE: "",
  SCHEDULER_ADMIN:
    "CREATE ANY JOB,CREATE EXTERNAL JOB,CREATE JOB,EXECUTE ANY CLASS,EXECUTE ANY PROGRAM,MANAGE SCHEDULER",
  GATHER_SYSTEM_STATISTICS: "",
  RECOVERY_CATALOG_OWNER: "CREATE SESSION,CREATE TABLE,CREATE VIEW,CREATE SEQUENCE,CREATE PROCEDURE",
  AUDIT_ADMIN: "AUDIT ANY,AUDIT SYSTEM",
  AUDIT_VIEWER: ""
}

/** Roles within predefined roles. */
export const rolesOfRoles: Readonly<Record<string, ReadonlyArray<string>>> = {
  DBA: ["SELECT_CATALOG_ROLE", "EXECUTE_CATALOG_ROLE", "SCHEDULER_ADMIN", "AQ_ADMINISTRATOR_ROLE"],
  PDB_DBA: ["CONNECT", "SELECT_CATALOG_ROLE", "EXECUTE_CATALOG_ROLE"],
  EXP_FULL_DATABASE: ["SELECT_CATALOG_ROLE", "EXECUTE_CATALOG_ROLE"],
  IMP_FULL_DATABASE: ["SELECT_CATALOG_ROLE", "EXECUTE_CATALOG_ROLE"]
}

/** Not for roles. */
export const forUsersAlone: ReadonlySet<string> = new Set(["UNLIMITED TABLESPACE", "INDEX", "REFERENCES"])
