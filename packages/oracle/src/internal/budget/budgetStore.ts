/** Where budgets and members are kept: in a table of Oracle, or in memory, where a fleet is simulated. Both decide by the same rules. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import { OracleClient } from "../../OracleClient.ts"
import * as OracleMigrator from "../../OracleMigrator.ts"
import { inPieces, retryUnique, utcMillis } from "../cluster/clusterSql.ts"
import {
  type Budget,
  isLevelOld,
  leave,
  type Lifetimes,
  type Member,
  type Report,
  report,
  sweep
} from "./budgetRules.ts"

interface Answer {
  readonly granted: number
  readonly target: number
}

/** One budget as its members see it. */
export interface BudgetStore<out E> {
  readonly report: (id: string, given: Report) => Effect.Effect<Answer, E>
  readonly leave: (id: string) => Effect.Effect<void, E>
}

const begun = (total: number): Budget => ({ total, granted: 0, level: total, levelledAt: Number.NEGATIVE_INFINITY })

/** A budget in memory, by the clock of its fiber. */
export const memoryStore = (total: number, lifetimes: Lifetimes) => {
  let budget = begun(total)
  const members = new Map<string, Member>()
  const look = (): { readonly granted: number; readonly members: number } => ({
    granted: budget.granted,
    members: members.size
  })
  const store: BudgetStore<never> = {
    report: (id, given) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        if (isLevelOld(budget, now, lifetimes)) {
          const swept = sweep(budget, [...members.values()], now, lifetimes)
          budget = swept.budget
          for (const each of swept.changed) members.set(each.id, each)
          for (const gone of swept.gone) members.delete(gone)
        }
        const outcome = report(budget, members.get(id), id, given, now)
        budget = outcome.budget
        members.set(id, outcome.member)
        return { granted: outcome.member.granted, target: outcome.target }
      }),
    leave: (id) =>
      Effect.sync(() => {
        budget = leave(budget, members.get(id))
        members.delete(id)
      })
  }
  return { ...store, look }
}

interface BudgetRow {
  readonly now: number
  readonly total: number
  readonly granted: number
  readonly water_level: number
  readonly levelled_at: number
}

interface MemberRow {
  readonly id: string
  readonly floor_sessions: number
  readonly demand: number
  readonly granted: number
  readonly seen_at: number
}

const memberOf = (row: MemberRow): Member => ({
  id: row.id,
  floor: row.floor_sessions,
  demand: row.demand,
  granted: row.granted,
  seenAt: row.seen_at
})

/** A budget in two tables. Its row is locked for each report, which is short; all members are read only when the level is old. */
export const tableStore = (
  sql: OracleClient,
  nameOf: (table: string) => string,
  name: string,
  total: number,
  lifetimes: Lifetimes
): BudgetStore<SqlError> => {
  const budgets = sql(nameOf("totals"))
  const members = sql(nameOf("members"))
  const columns = sql.literal("id, floor_sessions, demand, granted, seen_at")

  const lock = Effect.gen(function*() {
    const read = sql<BudgetRow>`select ${sql.literal(utcMillis)} as now, total, granted, water_level, levelled_at
      from ${budgets} where name = ${name} for update`
    let [row] = yield* read
    if (row === undefined) {
      yield* retryUnique(
        sql`merge into ${budgets} t using (select ${name} as name from dual) s on (t.name = s.name)
          when not matched then insert (name, total, granted, water_level, levelled_at)
          values (s.name, ${total}, 0, ${total}, 0)`
      )
      row = (yield* read)[0]
    }
    const { granted, levelled_at: levelledAt, now, water_level: level } = row!
    // The newest word on the total counts; the level is found anew for it.
    const isNew = row!.total !== total
    return { now, budget: { total, granted, level, levelledAt: isNew ? 0 : levelledAt } satisfies Budget }
  })

  const store = ({ granted, level, levelledAt, total }: Budget) =>
    sql`update ${budgets} set total = ${total}, granted = ${granted}, water_level = ${level}, levelled_at = ${levelledAt}
      where name = ${name}`

  const swept = (budget: Budget, now: number) =>
    Effect.gen(function*() {
      const rows = yield* sql<MemberRow>`select ${columns} from ${members} where budget = ${name}`
      const found = sweep(budget, rows.map(memberOf), now, lifetimes)
      for (const { granted, id, demand, seenAt } of found.changed) {
        yield* sql`update ${members} set demand = ${demand}, granted = ${granted}, seen_at = ${seenAt} where budget = ${name} and id = ${id}`
      }
      yield* inPieces(found.gone, (some) =>
        Effect.as(sql`delete from ${members} where budget = ${name} and ${sql.in("id", some)}`, []))
      return found.budget
    })

  const memberBy = (id: string) =>
    Effect.map(
      sql<MemberRow>`select ${columns} from ${members} where budget = ${name} and id = ${id}`,
      ([row]) => row === undefined ? undefined : memberOf(row)
    )

  return {
    report: (id, given) =>
      Effect.gen(function*() {
        const { budget, now } = yield* lock
        const levelled = isLevelOld(budget, now, lifetimes) ? yield* swept(budget, now) : budget
        const outcome = report(levelled, yield* memberBy(id), id, given, now)
        const { floor, granted, demand } = outcome.member
        yield* sql`merge into ${members} t using (select ${name} as budget, ${id} as id from dual) s
          on (t.budget = s.budget and t.id = s.id)
          when matched then update set floor_sessions = ${floor}, demand = ${demand}, granted = ${granted}, seen_at = ${now}
          when not matched then insert (budget, id, floor_sessions, demand, granted, seen_at)
            values (s.budget, s.id, ${floor}, ${demand}, ${granted}, ${now})`
        yield* store(outcome.budget)
        return { granted, target: outcome.target }
      }).pipe(sql.withTransaction, Effect.withTracerEnabled(false)),
    leave: (id) =>
      Effect.gen(function*() {
        const { budget } = yield* lock
        yield* store(leave(budget, yield* memberBy(id)))
        yield* sql`delete from ${members} where budget = ${name} and id = ${id}`
      }).pipe(sql.withTransaction, Effect.withTracerEnabled(false))
  }
}

export const budgetMigrations = (nameOf: (table: string) => string) =>
  OracleMigrator.fromRecord({
    "1_create_tables": Effect.gen(function*() {
      const sql = (yield* OracleClient).withoutTransforms()
      yield* sql`create table ${sql(nameOf("totals"))} (
        name varchar2(255 char) not null primary key,
        total number(10) not null,
        granted number(10) not null,
        water_level number(10) not null,
        levelled_at number(19) not null
      )`
      yield* sql`create table ${sql(nameOf("members"))} (
        budget varchar2(255 char) not null,
        id varchar2(36) not null,
        floor_sessions number(10) not null,
        demand number(10) not null,
        granted number(10) not null,
        seen_at number(19) not null,
        primary key (budget, id)
      )`
    })
  })
