/** What query builders and mappers of Node make of the embedded server. Each case has tables of its own. */
import { EntitySchema as MikroSchema } from "@mikro-orm/core"
import { MikroORM } from "@mikro-orm/oracledb"
import knexFactory from "knex"
import { Kysely, sql } from "kysely"
import { OracleDialect } from "kysely-oracledb"
import assert from "node:assert"
import oracledb from "oracledb"
import { DataTypes, Op, Sequelize } from "sequelize"
import { DataSource, EntitySchema, Table } from "typeorm"

const [connectString, only] = process.argv.slice(2)
const account = { user: "scott", password: "tiger", connectString }

const knexCase = async () => {
  const knex = knexFactory({ client: "oracledb", connection: account, pool: { min: 1, max: 4 } })
  const migrationSource = {
    getMigrations: async () => ["1_tables", "2_more"],
    getMigrationName: (name) => name,
    getMigration: async (name) =>
      name === "1_tables"
        ? {
          up: (schema) =>
            schema.schema
              .createTable("kx_authors", (table) => {
                table.increments("id")
                table.string("name", 80).notNullable().unique()
                table.timestamp("born")
              })
              .createTable("kx_books", (table) => {
                table.increments("id")
                table.integer("author_id").notNullable().references("id").inTable("kx_authors").onDelete("CASCADE")
                table.string("title").notNullable().index()
                table.decimal("price", 8, 2).defaultTo(0)
                table.text("about")
                table.boolean("sold").defaultTo(false)
              }),
          down: (schema) => schema.schema.dropTable("kx_books").dropTable("kx_authors")
        }
        : {
          up: (schema) =>
            schema.schema.alterTable("kx_books", (table) => {
              table.integer("pages")
              table.renameColumn("about", "blurb")
            }),
          down: (schema) =>
            schema.schema.alterTable("kx_books", (table) => {
              table.dropColumn("pages")
              table.renameColumn("blurb", "about")
            })
        }
  }
  try {
    assert.deepEqual((await knex.migrate.latest({ migrationSource }))[1], ["1_tables", "2_more"])
    assert.deepEqual((await knex.migrate.latest({ migrationSource }))[1], [])
    assert.equal(await knex.schema.hasTable("kx_books"), true)
    assert.equal(await knex.schema.hasColumn("kx_books", "pages"), true)
    const [{ id }] = await knex("kx_authors").insert({ name: "Ada", born: new Date(0) }).returning("id")
    await knex("kx_books").insert([
      { author_id: id, title: "One", price: 12.5, blurb: "x".repeat(5000) },
      { author_id: id, title: "Two", price: 7 }
    ])
    const rows = await knex("kx_books as b").join("kx_authors as a", "a.id", "b.author_id")
      .select("a.name", "b.title", "b.price").whereIn("b.title", ["One", "Two"]).orderBy("b.title").limit(1).offset(1)
    assert.deepEqual(rows.map(({ name, price, title }) => [name, title, price]), [["Ada", "Two", 7]])
    const [{ total }] = await knex("kx_books").sum("price as total").groupBy("author_id").having("author_id", ">", 0)
    assert.equal(total, 19.5)
    await assert.rejects(knex("kx_authors").insert({ name: "Ada" }), /ORA-00001/)
    await knex.transaction(async (trx) => {
      await trx("kx_books").where({ title: "One" }).update({ price: trx.raw(`"price" + 1`) })
      await trx.transaction(async (inner) => {
        await inner("kx_books").delete()
        throw new Error("no")
      }).catch(() => undefined)
    })
    assert.equal(await knex("kx_books").where({ title: "One" }).first().then((row) => row.price), 13.5)
    assert.equal((await knex("kx_books").where({ title: "One" }).first()).blurb.length, 5000)
    const columns = await knex("kx_books").columnInfo()
    assert.equal(columns.title.maxLength, 255)
    await knex("kx_authors").where({ id }).del()
    assert.equal((await knex("kx_books").count("* as n"))[0].n, 0)
    await knex.migrate.rollback({ migrationSource }, true)
    assert.equal(await knex.schema.hasTable("kx_books"), false)
  } finally {
    await knex.destroy()
  }
}

const sequelizeCase = async () => {
  const sequelize = new Sequelize({
    dialect: "oracle",
    username: "scott",
    password: "tiger",
    dialectOptions: { connectString },
    dialectModule: oracledb,
    logging: false
  })
  try {
    await sequelize.authenticate()
    const Owner = sequelize.define("sq_owner", {
      name: { type: DataTypes.STRING(60), allowNull: false, unique: true },
      settings: DataTypes.JSON
    }, { freezeTableName: true })
    const Pet = sequelize.define("sq_pet", {
      name: DataTypes.STRING,
      weight: DataTypes.DECIMAL(6, 2),
      bornAt: DataTypes.DATE,
      isTame: DataTypes.BOOLEAN,
      kind: DataTypes.ENUM("cat", "dog"),
      story: DataTypes.TEXT,
      picture: DataTypes.BLOB
    }, { freezeTableName: true, indexes: [{ fields: ["name"] }] })
    Owner.hasMany(Pet, { foreignKey: "ownerId", onDelete: "CASCADE" })
    Pet.belongsTo(Owner, { foreignKey: "ownerId" })
    await sequelize.sync({ force: true })
    await sequelize.sync()
    const ada = await Owner.create({ name: "Ada", settings: { a: [1] } })
    await Pet.bulkCreate([
      {
        name: "Tom",
        weight: 4.25,
        bornAt: new Date(0),
        isTame: true,
        kind: "cat",
        story: "s".repeat(5000),
        ownerId: ada.id
      },
      { name: "Rex", weight: 20, isTame: false, kind: "dog", picture: Buffer.from([1, 2]), ownerId: ada.id }
    ])
    const found = await Owner.findOne({
      where: { name: "Ada" },
      include: [{ model: Pet }],
      order: [[Pet, "name", "ASC"]]
    })
    assert.deepEqual(found.sq_pets.map((pet) => [pet.name, Number(pet.weight), pet.isTame]), [
      ["Rex", 20, false],
      ["Tom", 4.25, true]
    ])
    assert.equal(found.sq_pets[1].story.length, 5000)
    assert.deepEqual([...found.sq_pets[0].picture], [1, 2])
    const { count, rows } = await Pet.findAndCountAll({
      where: { weight: { [Op.gt]: 1 } },
      order: ["name"],
      limit: 1,
      offset: 1
    })
    assert.deepEqual([count, rows.map((pet) => pet.name)], [2, ["Tom"]])
    await assert.rejects(Owner.create({ name: "Ada" }), { name: "SequelizeUniqueConstraintError" })
    await Pet.update({ weight: 5 }, { where: { name: "Tom" } })
    const [made, isNew] = await Owner.findOrCreate({ where: { name: "Bob" } })
    assert.deepEqual([made.name, isNew], ["Bob", true])
    await Owner.upsert({ id: made.id, name: "Bobby" })
    assert.equal(await Owner.count(), 2)
    await sequelize.transaction(async (transaction) => {
      await Pet.destroy({ where: {}, transaction })
      throw new Error("no")
    }).catch(() => undefined)
    assert.equal(await Pet.sum("weight"), 25)
    const description = await sequelize.getQueryInterface().describeTable("sq_pet")
    assert.equal(description.name.allowNull, true)
    assert.equal((await sequelize.getQueryInterface().showIndex("sq_pet")).length >= 1, true)
    await ada.destroy()
    assert.equal(await Pet.count(), 0)
    await sequelize.drop()
  } finally {
    await sequelize.close()
  }
}

const typeormCase = async () => {
  const Team = new EntitySchema({
    name: "ToTeam",
    tableName: "to_team",
    columns: {
      id: { type: "number", primary: true, generated: true },
      name: { type: "varchar2", length: 60, unique: true },
      motto: { type: "clob", nullable: true },
      made: { type: "timestamp", createDate: true },
      version: { type: "number", version: true }
    },
    relations: { players: { type: "one-to-many", target: "ToPlayer", inverseSide: "team", cascade: true } },
    indices: [{ name: "to_team_made", columns: ["made"] }]
  })
  const Player = new EntitySchema({
    name: "ToPlayer",
    tableName: "to_player",
    columns: {
      id: { type: "varchar2", length: 36, primary: true, generated: "uuid" },
      name: { type: "nvarchar2", length: 40 },
      height: { type: "number", precision: 5, scale: 2, default: 1.5 },
      isActive: { type: "number", width: 1, default: 1 },
      photo: { type: "blob", nullable: true }
    },
    relations: {
      team: { type: "many-to-one", target: "ToTeam", inverseSide: "players", onDelete: "CASCADE", nullable: false },
      tags: { type: "many-to-many", target: "ToTag", joinTable: { name: "to_player_tag" } }
    },
    checks: [{ name: "to_player_height", expression: `"height" > 0` }]
  })
  const Tag = new EntitySchema({
    name: "ToTag",
    tableName: "to_tag",
    columns: { word: { type: "varchar2", length: 20, primary: true } }
  })
  class First1700000000000 {
    name = "First1700000000000"
    async up(runner) {
      await runner.createTable(
        new Table({ name: "to_made", columns: [{ name: "id", type: "number", isPrimary: true }] })
      )
      await runner.query(`insert into "to_made" values (1)`)
    }
    async down(runner) {
      await runner.dropTable("to_made")
    }
  }
  const options = {
    type: "oracle",
    username: "scott",
    password: "tiger",
    connectString,
    driver: oracledb,
    entities: [Team, Player, Tag],
    migrations: [First1700000000000],
    migrationsTableName: "to_migrations"
  }
  const source = await new DataSource({ ...options, synchronize: true }).initialize()
  await source.destroy()
  // Once more, on tables that are there: nothing is to be changed.
  const again = await new DataSource(options).initialize()
  try {
    const { upQueries } = await again.driver.createSchemaBuilder().log()
    assert.deepEqual(upQueries.map(({ query }) => query), [])
    assert.equal((await again.runMigrations()).length, 1)
    assert.equal((await again.runMigrations()).length, 0)
    const teams = again.getRepository("ToTeam")
    const team = await teams.save({
      name: "Reds",
      motto: "m".repeat(5000),
      players: [{ name: "Ann" }, { name: "Bea", height: 1.75 }]
    })
    team.name = "Blues"
    await teams.save(team)
    const found = await teams.findOne({
      where: { name: "Blues" },
      relations: { players: true },
      order: { players: { name: "ASC" } }
    })
    assert.deepEqual(found.players.map(({ height, name }) => [name, height]), [["Ann", 1.5], ["Bea", 1.75]])
    assert.equal(found.motto.length, 5000)
    assert.equal(found.version, 2)
    const players = again.getRepository("ToPlayer")
    const [ann] = found.players
    await players.save({
      ...ann,
      team: found,
      tags: await again.getRepository("ToTag").save([{ word: "fast" }, { word: "tall" }])
    })
    const [page, total] = await players.findAndCount({
      relations: { tags: true },
      order: { name: "DESC" },
      take: 1,
      skip: 1
    })
    assert.deepEqual([page[0].name, page[0].tags.length, total], ["Ann", 2, 2])
    const sums = await players.createQueryBuilder("p").innerJoin("p.team", "t").select("t.name", "team")
      .addSelect("avg(p.height)", "height").groupBy("t.name").getRawMany()
    assert.deepEqual(sums, [{ team: "Blues", height: 1.625 }])
    await assert.rejects(teams.save({ name: "Blues" }), /ORA-00001/)
    await assert.rejects(players.save({ name: "Cay", height: -1, team: found }), /ORA-02290/)
    await again.transaction(async (manager) => {
      await manager.delete("ToPlayer", {})
      throw new Error("no")
    }).catch(() => undefined)
    assert.equal(await players.count(), 2)
    await teams.delete({ id: found.id })
    assert.equal(await players.count(), 0)
    await again.undoLastMigration()
  } finally {
    await again.dropDatabase()
    await again.destroy()
  }
}

const kyselyCase = async () => {
  const pool = await oracledb.createPool({ ...account, poolMin: 0, poolMax: 2 })
  const db = new Kysely({ dialect: new OracleDialect({ pool }) })
  try {
    // Its dialect has no lock for kysely's own migrations.
    await db.schema.createTable("ky_order")
      .addColumn("id", sql`number generated by default as identity`, (column) => column.primaryKey())
      .addColumn("customer", sql`varchar2(40)`, (column) => column.notNull())
      .addColumn("total", sql`number(8, 2)`).execute()
    await db.schema.createIndex("ky_order_customer").on("ky_order").column("customer").execute()
    // Outside a transaction it commits nothing.
    await db.transaction().execute(async (trx) => {
      await trx.insertInto("ky_order").values({ customer: "Ada", total: 10.5 }).execute()
      await trx.insertInto("ky_order").values({ customer: "Bob", total: 3 }).execute()
    })
    const rows = await db.selectFrom("ky_order").select(["customer", "total"]).where("total", ">", 1)
      .orderBy("customer", "desc").offset(1).fetch(1).execute()
    assert.deepEqual(rows, [{ customer: "Ada", total: 10.5 }])
    const sum = await db.selectFrom("ky_order").select((e) => e.fn.sum("total").as("sum")).executeTakeFirstOrThrow()
    assert.equal(sum.sum, 13.5)
    await db.transaction().execute(async (trx) => {
      await trx.deleteFrom("ky_order").execute()
      throw new Error("no")
    }).catch(() => undefined)
    const changed = await db.updateTable("ky_order").set({ total: 4 }).where("customer", "=", "Bob").executeTakeFirst()
    assert.equal(changed.numUpdatedRows, 1n)
    const tables = await db.introspection.getTables()
    const table = tables.find(({ name }) => name.toLowerCase() === "ky_order")
    assert.deepEqual(table?.columns.map(({ name }) => name.toLowerCase()), ["id", "customer", "total"])
    await db.schema.alterTable("ky_order").addColumn("note", sql`varchar2(10)`).execute()
    await db.schema.dropTable("ky_order").execute()
  } finally {
    await db.destroy()
  }
}

const mikroCase = async () => {
  const Shelf = new MikroSchema({
    name: "Shelf",
    tableName: "mk_shelf",
    properties: {
      id: { type: "number", primary: true },
      label: { type: "string", length: 40, unique: true },
      items: { kind: "1:m", entity: () => "Item", mappedBy: "shelf" }
    }
  })
  const Item = new MikroSchema({
    name: "Item",
    tableName: "mk_item",
    properties: {
      id: { type: "number", primary: true },
      name: { type: "string" },
      note: { type: "text", nullable: true },
      price: { type: "decimal", precision: 8, scale: 2 },
      madeAt: { type: "datetime", nullable: true },
      shelf: { kind: "m:1", entity: () => "Shelf", deleteRule: "cascade" }
    }
  })
  const orm = await MikroORM.init({
    entities: [Shelf, Item],
    dbName: "SCOTT",
    user: "SCOTT",
    password: "tiger",
    clientUrl: connectString,
    allowGlobalContext: true
  })
  try {
    await orm.schema.update({ dropTables: false })
    assert.equal((await orm.schema.getUpdateSchemaSQL({ dropTables: false })).trim(), "")
    const shelf = orm.em.create("Shelf", { label: "top" })
    orm.em.create("Item", { name: "cup", price: "3.50", note: "n".repeat(3000), shelf, madeAt: new Date(0) })
    orm.em.create("Item", { name: "jug", price: "12.00", shelf })
    await orm.em.flush()
    orm.em.clear()
    const items = await orm.em.find("Item", { shelf: { label: "top" } }, {
      populate: ["shelf"],
      orderBy: { name: "desc" },
      limit: 1,
      offset: 1
    })
    assert.deepEqual(items.map(({ name, note, shelf: { label } }) => [name, note.length, label]), [[
      "cup",
      3000,
      "top"
    ]])
    items[0].price = "4.25"
    await orm.em.flush()
    assert.equal(await orm.em.count("Item", { price: { $gt: 4 } }), 2)
    await orm.em.transactional(async (em) => {
      await em.nativeDelete("Item", {})
      throw new Error("no")
    }).catch(() => undefined)
    assert.equal(await orm.em.count("Item"), 2)
    await orm.em.nativeDelete("Shelf", {})
    assert.equal(await orm.em.count("Item"), 0)
    await orm.schema.drop()
  } finally {
    await orm.close(true)
  }
}

let failed = 0
for (
  const [name, run] of Object.entries({
    knex: knexCase,
    Sequelize: sequelizeCase,
    TypeORM: typeormCase,
    kysely: kyselyCase,
    MikroORM: mikroCase
  })
) {
  if (only !== undefined && only !== name) continue
  try {
    await run()
    console.log(`ok ${name}`)
  } catch (error) {
    failed++
    console.log(`failed ${name}: ${error?.stack ?? error}`)
    if (error?.cause) console.log(error.cause)
    if (error?.sql) console.log(error.sql)
    if (error?.query) console.log(error.query)
  }
}
process.exit(failed === 0 ? 0 : 1)
