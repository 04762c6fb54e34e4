/**
 * The packages of the system. Each is a specification in PL/SQL, read when its name is first met, and subprograms in
 * TypeScript under the names that it declares; overloads have a number: `PUT`, `PUT#2`.
 */
import { type Package, specOf, Unit } from "../../catalog/units.ts"
import type { Subprogram } from "../../syntax/astPlsql.ts"
import { parseUnit } from "../../syntax/unitParser.ts"
import type { Native, SystemPackage } from "../native.ts"
import { dbmsAlert } from "./dbmsAlert.ts"
import { dbmsApplicationInfo } from "./dbmsApplicationInfo.ts"
import { dbmsAq } from "./dbmsAq.ts"
import { dbmsAqadm } from "./dbmsAqadm.ts"
import { dbmsAssert } from "./dbmsAssert.ts"
import { dbmsCrypto } from "./dbmsCrypto.ts"
import { dbmsLob } from "./dbmsLob.ts"
import { dbmsLock } from "./dbmsLock.ts"
import { dbmsMview } from "./dbmsMview.ts"
import { dbmsOutput } from "./dbmsOutput.ts"
import { dbmsRandom } from "./dbmsRandom.ts"
import { dbmsRls } from "./dbmsRls.ts"
import { dbmsRowid } from "./dbmsRowid.ts"
import { dbmsScheduler } from "./dbmsScheduler.ts"
import { dbmsSession } from "./dbmsSession.ts"
import { dbmsTransaction } from "./dbmsTransaction.ts"
import { dbmsUtility } from "./dbmsUtility.ts"
import { utlRaw } from "./utlRaw.ts"

const sources: Readonly<Record<string, SystemPackage>> = {
  DBMS_ALERT: dbmsAlert,
  DBMS_APPLICATION_INFO: dbmsApplicationInfo,
  DBMS_AQ: dbmsAq,
  DBMS_AQADM: dbmsAqadm,
  DBMS_ASSERT: dbmsAssert,
  DBMS_CRYPTO: dbmsCrypto,
  DBMS_LOB: dbmsLob,
  DBMS_LOCK: dbmsLock,
  DBMS_MVIEW: dbmsMview,
  DBMS_OUTPUT: dbmsOutput,
  DBMS_RANDOM: dbmsRandom,
  DBMS_RLS: dbmsRls,
  DBMS_ROWID: dbmsRowid,
  DBMS_SCHEDULER: dbmsScheduler,
  DBMS_SESSION: dbmsSession,
  DBMS_TRANSACTION: dbmsTransaction,
  DBMS_UTILITY: dbmsUtility,
  UTL_RAW: utlRaw
}

interface Loaded {
  readonly pkg: Package
  readonly natives: (subprogram: Subprogram) => Native | undefined
}

const loaded = new Map<string, Loaded>()
const byPackage = new WeakMap<Unit, Loaded>()

const load = (name: string, { natives, spec }: SystemPackage): Loaded => {
  const { unit: parsed } = parseUnit(spec)
  if (parsed.error !== undefined) throw parsed.error
  const unit = new Unit(parsed, "SYS", name)
  unit.valid = true
  const id = 1000 + Object.keys(sources).indexOf(name) * 2
  const pkg: Package = { kind: "package", id, owner: "SYS", name, spec: unit, bodyId: id + 1, body: undefined }
  const counts = new Map<string, number>()
  const bySubprogram = new Map<Subprogram, Native>()
  for (const declaration of specOf(unit)!.declarations) {
    if (declaration.kind !== "subprogram") continue
    const { subprogram } = declaration
    const count = (counts.get(subprogram.name) ?? 0) + 1
    counts.set(subprogram.name, count)
    const native = natives[count === 1 ? subprogram.name : `${subprogram.name}#${count}`]
    if (native !== undefined) bySubprogram.set(subprogram, native)
  }
  return { pkg, natives: (subprogram) => bySubprogram.get(subprogram) }
}

export const systemPackage = (name: string): Package | undefined => {
  const known = loaded.get(name)
  if (known !== undefined) return known.pkg
  if (!Object.hasOwn(sources, name)) return undefined
  const made = load(name, sources[name]!)
  loaded.set(name, made)
  byPackage.set(made.pkg.spec, made)
  return made.pkg
}

/** The subprograms of a package that is written in TypeScript. */
export const nativesOf = (pkg: Package): Loaded["natives"] | undefined => byPackage.get(pkg.spec)?.natives

/** Those that are not for everybody: EXECUTE on them has to be granted. */
export const restrictedPackages: ReadonlySet<string> = new Set(["DBMS_ALERT", "DBMS_CRYPTO", "DBMS_LOCK", "DBMS_RLS"])

export const systemPackageNames: ReadonlyArray<string> = Object.keys(sources)
