/**
 * What each error code means for a program: one row for each decision, each with where it comes from.
 *
 * - *retryable*: the same work, begun again (on another session where this one is fatal), may succeed although nothing was changed
 *   anything. It does not say that the first attempt had no effect. (A commit whose answer was lost is never called retryable.)
 * - *fatal*: the session that reported it must not be used or lent again.
 *
 * Sources, by letter: N `adjustErrorXref` and R `RECOVERABLE_ERRORS` of node-oracledb (`lib/errors.js`,
 * `lib/thin/protocol/messages/base.js`), M the driver's own messages (`lib/errors.js`), I its `ERR_INTEGRITY_ERROR_CODES`,
 * P python-oracledb (`src/oracledb/errors.py`), O ODPI-C (`src/dpiError.c`), K knex (`dialects/oracle/utils.js`),
 * S SQLAlchemy (`is_disconnect`), G godror (`IsBadConn`), J IronJacamar and D Druid (`OracleExceptionSorter`), H HikariCP,
 * Q sequelize (`connection-manager.ts`), E Oracle's error messages (docs.oracle.com/error-help/db), X Node.js system errors.
 * A letter says that the source names a code of the row, not that it names each of them.
 */
import type { ReasonTag } from "./errorReason.ts"

/** One decision. */
interface Row {
  readonly codes: ReadonlyArray<string>
  readonly reason: ReasonTag
  readonly retryable: boolean
  readonly fatal: boolean
  /** The letters of the sources above. */
  readonly source: string
  /** The error only announces the one that is named after it, which decides the reason. */
  readonly wraps?: boolean
  /** Why it is so, where sources disagree or the choice is not obvious. */
  readonly note?: string
  /** What to do, where the reason's own advice does not fit. */
  readonly advice?: string
}

const ora = (...numbers: ReadonlyArray<number>) => numbers.map((n) => `ORA-${String(n).padStart(5, "0")}`)
const njs = (...numbers: ReadonlyArray<number>) => numbers.map((n) => `NJS-${String(n).padStart(3, "0")}`)
const dpi = (...numbers: ReadonlyArray<number>) => numbers.map((n) => `DPI-${n}`)
const dpy = (...numbers: ReadonlyArray<number>) => numbers.map((n) => `DPY-${n}`)

const lost = { reason: "ConnectionError", retryable: true, fatal: true } as const
const unreachable = { reason: "ConnectionError", retryable: true, fatal: false } as const
const misconfigured = { reason: "ConnectionError", retryable: false, fatal: false } as const
const refused = { reason: "AuthenticationError", retryable: false, fatal: false } as const
const written = { reason: "SqlSyntaxError", retryable: false, fatal: false } as const
const unknown = { reason: "UnknownError", retryable: false, fatal: false } as const

const checkService = "Check the service name against `lsnrctl services`; the instance may still be starting."
const checkBinds = "Make the names and the number of the bind values fit the placeholders of the statement."
const checkConnectString = "Check the connect string, the tnsnames.ora that is read (configDir) and the wallet."
const askCredentials =
  "Supply current credentials; the pool does not try these again, so that the account is not locked."

/** The table. A code stands in one row only: a test makes sure of it. */
export const rows: ReadonlyArray<Row> = [
  // Sessions that are gone.
  { ...lost, codes: ora(22, 45, 378, 602, 609, 1041, 1043, 3122, 27146, 28511, 56600), source: "NPOKG" },
  { ...lost, codes: ora(28, 31), source: "NPOKGR", advice: "An administrator ended the session." },
  { ...lost, codes: ora(603, 1012, 1089, 1092, 3113, 3114, 3135), source: "NPOKGR" },
  { ...lost, codes: ora(12153, 12537, 12547, 12570, 12583), source: "NPOKGR" },
  { ...lost, codes: ora(2396), source: "NPOKSGR", advice: "Keep the pool's timeout below the profile's IDLE_TIME." },
  { ...lost, codes: ora(2399), source: "HE", advice: "Keep maxLifetimeSession below the profile's CONNECT_TIME." },
  {
    ...lost,
    codes: ora(12571),
    source: "RP",
    note:
      "A packet could not be written: the socket is gone. Not in the driver's list of closed connections; fatal here."
  },
  {
    ...lost,
    codes: ora(1033, 1034),
    source: "RSGJD",
    note:
      "N, P and O call them recoverable, not dead, as they mostly come while connecting. In a session they mean that its "
      + "instance is gone, so they are fatal here as in S, G, J and D."
  },
  { ...lost, codes: ora(1090, 1014, 1094), source: "RJD" },
  {
    ...lost,
    codes: ora(1035),
    source: "JDE",
    note:
      "Restricted session: a state of the database, over when an administrator says so. Not an authorization failure, "
      + "which would stop the pool from opening until the credentials change.",
    advice: "The database is restricted to administrators for now."
  },
  { ...lost, codes: ora(16456), source: "RE", note: "Switchover: this side is or becomes a standby." },
  { ...lost, codes: ora(25407, 25408, 25409, 25425, 3134, 3138, 3142, 3143, 3144, 3145, 3149), source: "D" },
  { ...lost, codes: ora(6801, 6802, 6805, 9918, 9920, 9921, 30676), source: "D" },
  {
    ...lost,
    retryable: false,
    codes: ora(3106),
    source: "GJDE",
    advice: "Client and server do not agree on the protocol."
  },
  { ...lost, codes: [...njs(501, 521, 513), ...dpy(4033)], source: "MP" },
  { ...lost, codes: [...njs(3), ...dpi(1002, 1010), ...dpy(1001)], source: "NPKSG" },
  {
    ...lost,
    wraps: true,
    codes: [...njs(500), ...dpi(1080), ...dpy(4011)],
    source: "NPKSGO",
    note: "The driver has closed the connection, whatever the code after it says."
  },
  {
    ...lost,
    retryable: false,
    codes: [...njs(102, 103, 111, 112, 113, 127, 173, 509), ...dpy(5000, 5002, 5003, 5004, 5006, 5009)],
    source: "MP",
    note: "An answer could not be read. The driver resynchronizes, but the state of the server is unknown.",
    advice: "Report it to the driver's project with the server version."
  },
  { ...lost, codes: ["ECONNRESET", "EPIPE", "ECONNABORTED"], source: "X" },

  // Sessions that could not be opened.
  {
    ...unreachable,
    codes: [...ora(12514), ...njs(518), ...dpy(6001)],
    source: "RMPQ",
    note: "K takes it for a dead connection; it can only come while opening, so there is no session to drop.",
    advice: checkService
  },
  { ...unreachable, codes: [...ora(12505, 12521), ...njs(519), ...dpy(6003)], source: "MPQE", advice: checkService },
  { ...unreachable, codes: ora(12757, 12523, 12526, 12527, 12528), source: "RGE", advice: checkService },
  { ...unreachable, codes: ora(12541, 12543, 12545, 12203, 12535, 12560, 28547), source: "GPQE" },
  {
    ...unreachable,
    codes: ora(12170),
    source: "GJDQ",
    note: "In G, J and D by range or name; it comes while opening."
  },
  { ...unreachable, codes: ora(12500), source: "PE" },
  { ...unreachable, codes: [...njs(168, 503, 510, 530), ...dpy(6005)], source: "MPQ" },
  { ...unreachable, wraps: true, codes: [...njs(511), ...dpy(6000)], source: "MPQ" },
  { ...unreachable, codes: ["ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND"], source: "X" },
  {
    ...misconfigured,
    codes: [...ora(12154, 12162, 12533, 12534, 12538, 12504), ...dpy(4000, 4017, 4018, 4021, 4026, 4027)],
    source: "PQE",
    advice: checkConnectString
  },
  {
    ...misconfigured,
    codes: njs(125, 504, 505, 507, 508, 512, 514, 515, 516, 517, 520, 522, 523, 524, 529, 531, 532, 533, 535, 536),
    source: "MQ",
    advice: checkConnectString
  },
  { ...misconfigured, codes: [...dpy(6002, 6004, 6006), ...njs(534)], source: "MP", advice: checkConnectString },
  {
    ...misconfigured,
    codes: [...njs(138), ...dpy(3010)],
    source: "MP",
    advice: "Thin mode needs Oracle Database 12.1+."
  },
  { ...misconfigured, codes: njs(2, 64, 65), source: "M", advice: "The driver's own pool is closed or closing." },
  {
    ...misconfigured,
    codes: ora(24545),
    source: "E",
    advice: "POOL_BOUNDARY takes STATEMENT or TRANSACTION, and the server must support implicit pooling."
  },

  // Logins that were refused.
  { ...refused, codes: ora(1004, 1005, 1017, 28000, 28001, 28009, 28040), source: "PQE", advice: askCredentials },
  {
    ...refused,
    codes: ora(1045),
    source: "E",
    note: "A missing privilege (CREATE SESSION), but what it refuses is the login.",
    advice: "Grant CREATE SESSION to the user."
  },
  { ...refused, codes: ora(28003, 28007, 28008, 28030, 28150), source: "E", advice: askCredentials },
  {
    ...refused,
    codes: ora(28002, 28011),
    source: "E",
    note: "Warnings: the login succeeded and the session works.",
    advice: "Change the password before it expires."
  },
  {
    ...refused,
    codes: [...ora(25708), ...njs(84, 87), ...dpy(2031, 2032, 2033)],
    source: "NMP",
    advice: askCredentials
  },
  { ...refused, codes: [...njs(85, 86, 101, 116, 136, 140), ...dpy(3015, 4001)], source: "MP", advice: askCredentials },
  {
    ...refused,
    codes: njs(506),
    source: "MQ",
    note: "A failed TLS handshake: the certificates do not fit, which no retry cures.",
    advice: "Check the wallet and the certificates of both sides."
  },

  // Rights.
  { reason: "AuthorizationError", retryable: false, fatal: false, codes: ora(1031, 1720, 1749, 1950), source: "E" },
  {
    reason: "AuthorizationError",
    retryable: false,
    fatal: false,
    codes: ora(1924, 1927, 1932, 28115, 41900),
    source: "E"
  },

  // Statements that cannot run as written.
  { ...written, codes: ora(900, 901, 902, 903, 904, 905, 906, 907, 908, 909, 910, 911, 913, 914), source: "E" },
  { ...written, codes: ora(917, 918, 919, 920, 921, 922, 923, 924, 925, 926, 927, 928, 929, 930), source: "E" },
  { ...written, codes: ora(931, 932, 933, 934, 935, 936, 937, 938, 939, 940, 942, 946, 947, 955), source: "E" },
  {
    ...written,
    codes: ora(957, 960, 962, 964, 966, 968, 969, 970, 971, 972, 975, 976, 979, 980, 990, 998),
    source: "E"
  },
  {
    ...written,
    codes: ora(1006, 1007, 1008, 1036, 2289, 4043, 1418, 1430, 1435, 1442, 1543, 1740, 1742, 1747),
    source: "E"
  },
  {
    ...written,
    codes: ora(1756, 1785, 1789, 1790, 1791, 1799, 6550, 6553, 6575, 6508, 24344, 3048, 3049, 3050),
    source: "E"
  },
  {
    ...written,
    codes: [...njs(44, 55, 97, 98, 137, 149), ...dpy(4008, 4009, 4010, 2048)],
    source: "MP",
    advice: checkBinds
  },
  { ...written, codes: [...njs(19, 95, 157), ...dpi(1063, 1087), ...dpy(1003, 2040, 2041, 2042, 2066)], source: "MP" },

  // Rules on the data.
  { reason: "UniqueViolation", retryable: false, fatal: false, codes: ora(1), source: "I" },
  {
    reason: "ConstraintError",
    retryable: false,
    fatal: false,
    codes: ora(1400, 1438, 2290, 2291, 2292, 21525, 40479),
    source: "I"
  },
  {
    reason: "ConstraintError",
    retryable: false,
    fatal: false,
    codes: ora(1401, 1407, 2293, 2296, 2298, 2299, 12899),
    source: "E"
  },
  { reason: "ConstraintError", retryable: false, fatal: false, codes: ora(1402, 2266, 2449), source: "E" },

  // Other sessions in the way.
  { reason: "DeadlockError", retryable: true, fatal: false, codes: ora(60, 104, 4020), source: "E" },
  { reason: "SerializationError", retryable: true, fatal: false, codes: ora(8177), source: "E" },
  {
    reason: "LockTimeoutError",
    retryable: true,
    fatal: false,
    codes: ora(51, 54, 1591, 2049, 4021, 4022, 25351, 30006),
    source: "E"
  },

  // Too slow.
  {
    reason: "StatementTimeoutError",
    retryable: true,
    fatal: false,
    codes: [...njs(123), ...dpi(1067), ...dpy(4024)],
    source: "NPO"
  },
  {
    reason: "StatementTimeoutError",
    retryable: true,
    fatal: false,
    codes: ora(3136, 3156, 12161),
    source: "O",
    note:
      "What Oracle Client reports when the call timeout expires; the session stays usable. D and G call 3136 dead, after "
      + "its other meaning (a login that took too long), for which there is no session yet."
  },
  {
    reason: "StatementTimeoutError",
    retryable: true,
    fatal: false,
    codes: ora(40, 2393, 2395, 56720, 56735),
    source: "E"
  },

  // Used up.
  { reason: "ResourceError", retryable: true, fatal: false, codes: ora(18, 19, 20, 2391), source: "E" },
  { reason: "ResourceError", retryable: true, fatal: false, codes: ora(12516, 12518, 12519, 12520), source: "GQE" },
  { reason: "ResourceError", retryable: true, fatal: false, codes: ora(24418, 24457, 24459, 24496), source: "PE" },
  { reason: "ResourceError", retryable: true, fatal: false, codes: [...njs(40, 76), ...dpy(4005)], source: "MP" },
  {
    reason: "ResourceError",
    retryable: true,
    fatal: true,
    codes: ora(2392, 2394),
    source: "E",
    note: "The server logs off."
  },
  { reason: "ResourceError", retryable: true, fatal: false, codes: ora(376, 1115), source: "R" },
  {
    reason: "ResourceError",
    retryable: true,
    fatal: false,
    codes: ora(1555, 8176, 22924),
    source: "E",
    note: "Undo is used up, so that the read is no longer consistent: not a conflict of serializable transactions.",
    advice: "Shorten the read or the time a cursor stays open, or enlarge the undo retention."
  },
  {
    reason: "ResourceError",
    retryable: true,
    fatal: false,
    codes: ora(257, 4030, 4031, 4036, 30036, 12853),
    source: "E"
  },
  {
    reason: "ResourceError",
    retryable: false,
    fatal: false,
    codes: ora(1536, 1628, 1652, 1653, 1654, 1688, 1691),
    source: "E"
  },
  {
    reason: "ResourceError",
    retryable: false,
    fatal: false,
    codes: ora(1000),
    source: "E",
    advice:
      "Close result sets, or lower the statement cache below the server's OPEN_CURSORS. The pool closes the session when "
      + "its lease ends."
  },
  { reason: "ResourceError", retryable: false, fatal: false, codes: njs(24), source: "M" },

  // Cancelled.
  { reason: "InterruptedError", retryable: false, fatal: false, codes: ora(1013), source: "PE" },
  { reason: "InterruptedError", retryable: false, fatal: true, codes: ora(3111), source: "PJD" },

  // Announcing the code that follows.
  { ...unknown, wraps: true, codes: ora(604, 2063, 2091, 4088, 6512, 12801), source: "E" },

  // Known, and none of the above.
  {
    ...unknown,
    fatal: true,
    codes: ora(600, 7445),
    source: "NPJD",
    note:
      "O and K keep the session after an ORA-00600; node-oracledb closes it in both modes (NJS-500), so it is fatal here.",
    advice: "Look into the server's alert log and trace files."
  },
  {
    ...unknown,
    retryable: true,
    codes: ora(4061, 4062, 4065, 4068),
    source: "E",
    note: "A package was recompiled and its state discarded; the next call finds the new one.",
    advice: "Run the call again; the state of the package begins anew."
  },
  {
    ...unknown,
    codes: ora(1403, 1422, 1426, 1427, 1476, 1722, 1830, 1840, 1841, 1843, 1847, 1858, 1861, 6502, 6503),
    source: "E"
  },
  {
    ...unknown,
    codes: ora(29276),
    source: "D",
    note: "UTL_TCP's own timeout: D drops the session, but the session is fine."
  },
  { ...unknown, codes: [...njs(89), ...dpy(3001)], source: "MP", advice: "The feature needs the other driver mode." },
  { ...unknown, codes: njs(18, 22, 81, 107, 147), source: "M" }
]

/** What to do, for codes whose row does not say. */
export const adviceOf: Readonly<Record<ReasonTag, string>> = {
  ConnectionError: "Check that the database is up and reachable; the work may be tried again on a new session.",
  AuthenticationError: askCredentials,
  AuthorizationError: "Grant the missing privilege to the connected user.",
  SqlSyntaxError: "Check the statement at the offset, the names in it and the current schema.",
  UniqueViolation: "A row with this key exists already: choose another key, update the row or use MERGE.",
  ConstraintError: "Change the values so that they keep the rule.",
  DeadlockError: "Roll the transaction back and run it again; lock rows in the same order everywhere.",
  SerializationError: "Roll the transaction back and run it again.",
  LockTimeoutError: "Another session holds the lock: try again, or wait longer (FOR UPDATE WAIT n, DDL_LOCK_TIMEOUT).",
  StatementTimeoutError: "Raise the call timeout or make the statement faster; the session itself is still usable.",
  ResourceError: "Use fewer sessions or less of the resource, or enlarge it on the server.",
  InterruptedError: "The statement was canceled and undone; earlier work of the transaction remains.",
  UnknownError: "Look the code up at https://docs.oracle.com/error-help/db/."
}

/** What to do where nothing has given the failure a code. */
export const adviceWithoutCode =
  "Neither the database nor the driver has given it a code: look at the values that were passed, and at the cause."

/** Advice for the numbers that `raise_application_error` uses. */
export const applicationAdvice = "The database's own code raised it (raise_application_error)."

const byCode = new Map(rows.flatMap((row) => row.codes.map((code) => [code, row] as const)))

/** The row of a code. */
export const rowOf = (code: string): Row | undefined => byCode.get(code)

/** Every code of the table. */
export const codes: ReadonlyArray<string> = [...byCode.keys()]
