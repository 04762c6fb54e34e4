/**
 * The message storage of Effect's cluster in tables of Oracle.
 *
 * `effect/cluster` has SQL for five databases and none for Oracle. These layers are named and shaped like those of its
 * `SqlMessageStorage`, and keep the same promises: a message is saved once, handed to one reader at a time, and redelivered when
 * no reply has come ten minutes after it was read.
 */
import { PersistenceError } from "effect/cluster/ClusterError"
import type * as EntityAddress from "effect/cluster/EntityAddress"
import type * as Envelope from "effect/cluster/Envelope"
import * as MessageStorage from "effect/cluster/MessageStorage"
import type * as Reply from "effect/cluster/Reply"
import type { ShardingConfig } from "effect/cluster/ShardingConfig"
import * as Snowflake from "effect/cluster/Snowflake"
import * as Digest from "effect/crypto/Digest"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { MigrationError } from "effect/sql/Migrator"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type { Fragment } from "effect/sql/Statement"
import { inPieces, longText, utcAgo, utcNow } from "./internal/cluster/clusterSql.ts"
import {
  envelopeProblem,
  messageKind,
  messageOf,
  type MessageRow,
  messageValues,
  replyOf,
  type ReplyRow,
  withExit
} from "./internal/cluster/messageRows.ts"
import { namesOf, type PrefixOptions, runMigrations } from "./internal/cluster/storeOptions.ts"
import { OracleClient } from "./OracleClient.ts"
import * as OracleMigrator from "./OracleMigrator.ts"

/**
 * Options of the storage: `prefix` begins the names of its tables and of its migrations' journal; default `cluster`. Runtimes
 * with different prefixes do not see each other's messages.
 *
 * @category models
 * @since 0.2.0
 */
export interface StorageOptions extends PrefixOptions {}

const names = (options: StorageOptions | undefined) => namesOf("OracleMessageStorage", options)

/** A message that was read and not answered is handed out again after this long. */
const redeliverySeconds = 600

class UnstorableMessage extends Data.TaggedError("UnstorableMessage")<{ readonly message: string }> {}

const encoder = new TextEncoder()

/**
 * Composed keys may be longer than their column, and half a surrogate pair would become another character, the same for all: a digest stands
 * for those. It can be no key itself, as it has no slash.
 */
const messageIdOf = (digest: Digest.Digest["Service"], primaryKey: string): Effect.Effect<string> =>
  !primaryKey.isWellFormed()
    ? digest.digestHex(Digest.sha256, Uint8Array.from(Buffer.from(primaryKey, "utf16le")))
    : primaryKey.length >= 1 && primaryKey.length <= 255
    ? Effect.succeed(primaryKey)
    : digest.digestHex(Digest.sha256, encoder.encode(primaryKey))

/**
 * The encoded storage, over tables that exist already.
 *
 * **When to use**
 *
 * Use it to compose a storage of your own; {@link layer} is what most programs want.
 *
 * @see {@link layerMigrations} for creating the tables
 * @category constructors
 * @since 0.2.0
 */
export const makeEncodedStorage = Effect.fnUntraced(function*(options?: StorageOptions) {
  const sql = (yield* OracleClient).withoutTransforms()
  const nameOf = yield* names(options)
  const digest = yield* Digest.Digest
  const messages = sql(nameOf("messages"))
  const replies = sql(nameOf("replies"))
  const now = sql.literal(utcNow)
  const redeliverable = sql.literal(`last_read is null or last_read < ${utcAgo(redeliverySeconds)}`)

  const messageColumns = sql.literal(
    "to_char(m.id) as id, m.shard_id, m.entity_type, m.entity_id, m.kind, m.tag, m.payload, m.headers, m.trace_id, m.span_id, "
      + "m.sampled, to_char(m.request_id) as request_id, to_char(m.reply_id) as reply_id, "
      + "to_char(m.last_reply_id) as last_reply_id"
  )
  const replyColumns = sql.literal(
    "to_char(id) as id, kind, to_char(request_id) as request_id, sequence_no as sequence, payload"
  )

  const stored = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.withTracerEnabled(PersistenceError.refail(effect), false)

  const insertMessage = (
    envelope: Envelope.Encoded,
    messageId: string | null,
    deliverAt: number | null
  ): Effect.Effect<unknown, SqlError | UnstorableMessage> => {
    const problem = envelopeProblem(envelope)
    if (problem !== undefined) return Effect.fail(new UnstorableMessage({ message: problem }))
    const { headers, payload, values: v } = messageValues(envelope, messageId, deliverAt)
    return sql`insert into ${messages} (id, message_id, shard_id, entity_type, entity_id, kind, tag, trace_id, span_id,
        sampled, request_id, reply_id, deliver_at, payload, headers)
      values (${v.id}, ${v.message_id}, ${v.shard_id}, ${v.entity_type}, ${v.entity_id}, ${v.kind}, ${v.tag}, ${v.trace_id},
        ${v.span_id}, ${v.sampled}, ${v.request_id}, ${v.reply_id}, ${v.deliver_at}, ${longText(payload)},
        ${longText(headers)})`
  }

  const repliesById = (ids: ReadonlyArray<string>) =>
    Effect.map(
      inPieces(ids, (some) => sql<ReplyRow>`select ${replyColumns} from ${replies} where ${sql.in("id", some)}`),
      (found) => new Map(found.map((reply) => [reply.id, reply]))
    )

  const withLastReplies = (rows: ReadonlyArray<MessageRow>) =>
    Effect.map(
      repliesById(rows.flatMap((row) => row.last_reply_id === null ? [] : [row.last_reply_id])),
      (found) => rows.map((row) => messageOf(row, found.get(row.last_reply_id ?? "")))
    )

  const duplicateOf = (messageId: string) =>
    Effect.gen(function*() {
      const [row] = yield* sql<
        MessageRow
      >`select ${messageColumns} from ${messages} m where m.message_id = ${messageId}`
      if (row === undefined) return undefined
      const last = row.last_reply_id === null
        ? undefined
        : (yield* repliesById([row.last_reply_id])).get(row.last_reply_id)
      return MessageStorage.SaveResultEncoded.Duplicate({
        originalId: Snowflake.Snowflake(row.id),
        lastReceivedReply: last === undefined ? Option.none<Reply.Encoded>() : Option.some(replyOf(last))
      })
    })

  /** The unique key decides; a statement that fails leaves the transaction around it as it was. */
  const saveKeyed = (envelope: Envelope.Encoded, primaryKey: string, deliverAt: number | null) =>
    Effect.flatMap(messageIdOf(digest, primaryKey), (messageId) =>
      insertMessage(envelope, messageId, deliverAt).pipe(
        Effect.as<MessageStorage.SaveResult.Encoded>(MessageStorage.SaveResultEncoded.Success()),
        Effect.catch((error: SqlError | UnstorableMessage) =>
          !isSqlError(error) || error.reason._tag !== "UniqueViolation"
            ? Effect.fail(error)
            : Effect.flatMap(
              duplicateOf(messageId),
              (duplicate) => duplicate === undefined ? Effect.fail(error) : Effect.succeed(duplicate)
            )
        )
      ))

  const saveAck = (envelope: Envelope.AckChunkEncoded, deliverAt: number | null) =>
    sql`update ${replies} set acked = 1 where id = ${envelope.replyId}`.pipe(
      Effect.andThen(sql`update ${messages} set processed = 1
        where processed = 0 and request_id = ${envelope.requestId} and kind = ${messageKind.AckChunk}`),
      Effect.andThen(insertMessage(envelope, null, deliverAt)),
      sql.withTransaction
    )

  /** A message waits while its request has neither its exit nor a chunk that is not acknowledged. */
  const unanswered = sql`m.processed = 0 and not exists (
    select 1 from ${replies} r where r.request_id = m.request_id and (r.kind = ${withExit} or r.acked = 0))`
  const due = (moment: number) => sql`(m.deliver_at is null or m.deliver_at <= ${moment})`

  const ofAddresses = (addresses: ReadonlyArray<EntityAddress.EntityAddress>, alias: string): Fragment =>
    sql.or(
      groups(addresses).map(({ entityIds, entityType, shardId }) =>
        sql.and([
          sql`${sql.literal(alias)}shard_id = ${shardId}`,
          sql`${sql.literal(alias)}entity_type = ${entityType}`,
          sql.in(`${alias}entity_id`, entityIds)
        ])
      )
    )

  /**
   * Locks what waits, in the order of arrival, and marks it as read. Rows that another reader has locked are left to it. The
   * inner query orders and limits, the outer one locks: in one query block Oracle would lock before it orders. The conditions
   * stand outside as well, for rows that have changed between the two.
   */
  const claim = (
    shardIds: ReadonlyArray<string>,
    moment: number,
    read: {
      readonly limit?: number | undefined
      readonly addresses?: ReadonlyArray<EntityAddress.EntityAddress> | undefined
    }
  ) =>
    Effect.gen(function*() {
      const wanted = read.addresses === undefined ? sql.literal("") : sql`and (${ofAddresses(read.addresses, "m.")})`
      const bound = read.limit === undefined ? sql.literal("") : sql`where rownum <= ${Math.floor(read.limit)}`
      const rows = yield* sql<MessageRow>`select ${messageColumns} from ${messages} m
        where m.rowid in (
          select rid from (
            select m.rowid as rid from ${messages} m
            where ${sql.in("m.shard_id", shardIds)} ${wanted} and ${unanswered} and (${redeliverable}) and ${
        due(moment)
      }
            order by m.seq
          ) ${bound}
        ) and m.processed = 0 and (${redeliverable})
        order by m.seq
        for update of m.last_read skip locked`
      yield* inPieces(rows.map(({ id }) => id), (some) =>
        Effect.as(sql`update ${messages} set last_read = ${now} where ${sql.in("id", some)}`, []))
      return yield* withLastReplies(rows)
    }).pipe(sql.withTransaction)

  const reset = (filter: Fragment) =>
    Effect.asVoid(sql`update ${messages} set last_read = null where processed = 0 and ${filter}`)

  const encoded: MessageStorage.Encoded = {
    saveEnvelope: ({ deliverAt, envelope, primaryKey }) =>
      stored(
        primaryKey !== null
          ? saveKeyed(envelope, primaryKey, deliverAt)
          : Effect.as(
            envelope._tag === "AckChunk" ? saveAck(envelope, deliverAt) : insertMessage(envelope, null, deliverAt),
            MessageStorage.SaveResultEncoded.Success()
          )
      ),

    saveReply: (reply) => {
      const isExit = reply._tag === "WithExit"
      const payload = JSON.stringify(isExit ? reply.exit : reply.values)
      const slot = isExit ? 0 : reply.sequence + 1
      const update = isExit
        ? sql`update ${messages} set processed = 1, last_reply_id = ${reply.id} where request_id = ${reply.requestId}`
        : sql`update ${messages} set last_reply_id = ${reply.id} where id = ${reply.requestId}`
      return update.pipe(
        Effect.andThen(sql`insert into ${replies} (id, slot, kind, request_id, sequence_no, payload)
          values (${reply.id}, ${slot}, ${isExit ? withExit : null}, ${reply.requestId},
            ${isExit ? null : reply.sequence}, ${longText(payload)})`),
        sql.withTransaction,
        Effect.asVoid,
        stored
      )
    },

    clearReplies: (requestId, { expectedReplyId } = {}) =>
      Effect.gen(function*() {
        const id = String(requestId)
        if (expectedReplyId === undefined) {
          yield* sql`delete from ${replies} where request_id = ${id} and kind = ${withExit}`
          yield* sql`delete from ${messages} where request_id = ${id} and kind = ${messageKind.Interrupt}`
          yield* sql`update ${messages} set processed = 0, last_reply_id = null, last_read = null where request_id = ${id}`
          return
        }
        const expected = String(expectedReplyId)
        yield* sql`delete from ${replies} where request_id = ${id} and kind = ${withExit}
          and exists (select 1 from ${messages} where id = ${id} and last_reply_id = ${expected})`
        yield* sql`update ${messages} set processed = 0, last_reply_id = null, last_read = null
          where request_id = ${id} and last_reply_id = ${expected}`
      }).pipe(sql.withTransaction, stored),

    requestIdForPrimaryKey: (primaryKey) =>
      messageIdOf(digest, primaryKey).pipe(
        Effect.flatMap((messageId) =>
          sql<{ readonly id: string }>`select to_char(id) as id from ${messages} where message_id = ${messageId}`
        ),
        Effect.map(([row]) => row === undefined ? Option.none() : Option.some(Snowflake.Snowflake(row.id))),
        stored
      ),

    repliesFor: (requestIds) =>
      inPieces(requestIds, (some) =>
        sql<ReplyRow>`select ${replyColumns} from ${replies}
          where ${sql.in("request_id", some)} and (kind = ${withExit} or acked = 0) order by seq`).pipe(
          Effect.map((rows) => rows.map(replyOf)),
          stored
        ),

    repliesForUnfiltered: (requestIds) =>
      inPieces(
        requestIds,
        (some) => sql<ReplyRow>`select ${replyColumns} from ${replies} where ${sql.in("request_id", some)} order by seq`
      ).pipe(
        Effect.map((rows) => rows.map(replyOf)),
        stored
      ),

    unprocessedMessages: (shardIds, moment, read = {}) =>
      read.addresses?.length === 0 ? Effect.succeed([]) : stored(claim(shardIds, moment, read)),

    unprocessedMessagesById: (ids, moment) =>
      inPieces(Array.from(ids, String), (some) =>
        sql<MessageRow>`select ${messageColumns} from ${messages} m
          where ${sql.in("m.id", some)} and ${unanswered} and ${due(moment)} order by m.seq`).pipe(
          Effect.flatMap(withLastReplies),
          stored
        ),

    resetRequests: (requestIds) =>
      inPieces(requestIds.map(String), (some) => Effect.as(reset(sql.in("id", some)), [])).pipe(Effect.asVoid, stored),

    resetAddresses: (addresses) =>
      addresses.length === 0 ? Effect.void : stored(reset(sql`(${ofAddresses(addresses, "")})`)),

    clearAddress: (address) =>
      sql`delete from ${replies} where request_id in (
          select id from ${messages} where entity_type = ${address.entityType} and entity_id = ${address.entityId})`
        .pipe(
          Effect.andThen(
            sql`delete from ${messages} where entity_type = ${address.entityType} and entity_id = ${address.entityId}`
          ),
          sql.withTransaction,
          Effect.asVoid,
          stored
        ),

    resetShards: (shardIds) => stored(reset(sql.in("shard_id", shardIds))),

    withTransaction: (effect) => Effect.catchIf(sql.withTransaction(effect), isSqlError, Effect.die)
  }
  return encoded
})

/** Addresses of one shard and one type go into one list. */
const groups = (addresses: ReadonlyArray<EntityAddress.EntityAddress>) => {
  const found = new Map<
    string,
    { readonly shardId: string; readonly entityType: string; readonly entityIds: Array<string> }
  >()
  for (const { entityId, entityType, shardId } of addresses) {
    const key = JSON.stringify([shardId.toString(), entityType])
    const group = found.get(key)
    if (group === undefined) found.set(key, { shardId: shardId.toString(), entityType, entityIds: [entityId] })
    else group.entityIds.push(entityId)
  }
  return [...found.values()]
}

/**
 * The migrations of the storage's tables, for a migrator of your own. {@link layerMigrations} runs them.
 *
 * **When to use**
 *
 * Use where migrations of the application and of the storage are run by one migrator.
 *
 * @category migrations
 * @since 0.2.0
 */
export const migrations = (options?: StorageOptions) =>
  OracleMigrator.fromRecord({
    "1_create_tables": Effect.gen(function*() {
      const sql = (yield* OracleClient).withoutTransforms()
      const nameOf = yield* names(options)
      const messages = nameOf("messages")
      const replies = nameOf("replies")
      yield* sql`create table ${sql(messages)} (
        id number(19) not null primary key,
        seq number(19) generated always as identity,
        message_id varchar2(255 char) unique,
        shard_id varchar2(50 char) not null,
        entity_type varchar2(150 char) not null,
        entity_id varchar2(255 char) not null,
        kind number(1) not null,
        tag varchar2(50 char),
        trace_id varchar2(32 char),
        span_id varchar2(16 char),
        sampled number(1),
        processed number(1) default 0 not null,
        request_id number(19) not null,
        reply_id number(19),
        last_reply_id number(19),
        last_read timestamp(3),
        deliver_at number(19),
        payload clob,
        headers clob
      )`
      yield* sql`create index ${sql(`${messages}_shard`)} on ${sql(messages)} (shard_id, processed, seq)`
      yield* sql`create index ${sql(`${messages}_request`)} on ${sql(messages)} (request_id)`
      yield* sql`create table ${sql(replies)} (
        id number(19) not null primary key,
        seq number(19) generated always as identity,
        slot number(10) not null,
        kind number(1),
        request_id number(19) not null,
        sequence_no number(10),
        acked number(1) default 0 not null,
        payload clob not null,
        unique (request_id, slot)
      )`
    })
  })

const createTables = (options: StorageOptions | undefined) =>
  Effect.flatMap(names(options), (nameOf) =>
    runMigrations("OracleMessageStorage", {
      loader: migrations(options),
      journal: nameOf("migrations"),
      longest: nameOf("messages_request"),
      tables: [nameOf("messages")]
    }))

/**
 * Creates the tables, or brings them up to date, without providing the storage.
 *
 * **When to use**
 *
 * Use it in a step of a deployment that logs on as the owner of the schema, and {@link layerStorage} in the runtime.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerMigrations = (
  options?: StorageOptions
): Layer.Layer<never, MigrationError | SqlError, OracleClient> => Layer.effectDiscard(createTables(options))

/**
 * The encoded storage; the tables are created before.
 *
 * **When to use**
 *
 * Use to wrap the storage, as to encrypt or count messages, before it becomes a `MessageStorage`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const makeEncoded = (options?: StorageOptions) =>
  Effect.andThen(
    createTables(options),
    makeEncodedStorage(options)
  )

/**
 * The storage; the tables are created before.
 *
 * **When to use**
 *
 * Use where the storage is made in an effect; {@link layer} and {@link layerWith} are the same as layers.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (options?: StorageOptions) => Effect.flatMap(makeEncoded(options), MessageStorage.makeEncoded)

/**
 * The storage, over tables that exist already.
 *
 * **When to use**
 *
 * Use in the runtime where its user must not create tables: a deployment has run {@link layerMigrations}. Where the tables are missing, its
 * operations fail.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerStorage = (
  options?: StorageOptions
): Layer.Layer<MessageStorage.MessageStorage, MigrationError, OracleClient | ShardingConfig | Digest.Digest> =>
  Layer.effect(
    MessageStorage.MessageStorage,
    Effect.flatMap(makeEncodedStorage(options), MessageStorage.makeEncoded)
  ).pipe(Layer.provide(Snowflake.layerGenerator))

/**
 * The storage with a prefix of your own; the tables are created before.
 *
 * **When to use**
 *
 * Use where the schema has other clusters, or tables of these names.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerWith = (
  options: StorageOptions
): Layer.Layer<
  MessageStorage.MessageStorage,
  MigrationError | SqlError,
  OracleClient | ShardingConfig | Digest.Digest
> => Layer.provide(layerStorage(options), layerMigrations(options))

/**
 * The storage in tables that begin with `cluster_`; they are created before.
 *
 * **When to use**
 *
 * Use it for the messages of a cluster, beside `OracleRunnerStorage.layer`: entities with durable messages, workflows.
 *
 * **Example** (Messages in the database)
 *
 * ```ts
 * import { OracleClient, OracleMessageStorage } from "@sessionpool/oracle"
 * import { Layer } from "effect"
 *
 * const storage = OracleMessageStorage.layer.pipe(
 *   Layer.provide(OracleClient.layer({ connectString: "localhost/FREEPDB1", user: "scott" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layer: Layer.Layer<
  MessageStorage.MessageStorage,
  MigrationError | SqlError,
  OracleClient | ShardingConfig | Digest.Digest
> = layerWith({})
