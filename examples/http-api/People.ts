/** The people that the program knows: in the database, or in memory for tests that need none. */
import { Context, Effect, Layer, Ref } from "effect"
import { SqlClient, SqlModel } from "effect/sql"
import { EmailTaken, Person, PersonNotFound } from "./Person.ts"

export class People extends Context.Service<People, {
  readonly list: Effect.Effect<ReadonlyArray<Person>>
  readonly find: (id: number) => Effect.Effect<Person, PersonNotFound>
  readonly add: (person: typeof Person.insert.Type) => Effect.Effect<Person, EmailTaken>
  readonly rename: (id: number, firstName: string) => Effect.Effect<Person, PersonNotFound>
}>()("example/People") {
  /** Over any client of `effect/sql`: nothing here says Oracle. */
  static readonly layer = Layer.effect(
    People,
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const people = yield* SqlModel.makeRepository(Person, {
        tableName: "people",
        idColumn: "id",
        spanPrefix: "People"
      })
      const find = (id: number) =>
        people.findById(id).pipe(
          Effect.catchTag("NoSuchElementError", () => Effect.fail(new PersonNotFound({ id }))),
          Effect.catchTag("SqlError", Effect.die),
          Effect.catchTag("SchemaError", Effect.die)
        )
      return People.of({
        list: Effect.orDie(sql<Person>`select * from ${sql("people")} order by id`),
        find,
        add: (person) =>
          people.insert(person).pipe(
            Effect.catchReason(
              "SqlError",
              "UniqueViolation",
              () => Effect.fail(new EmailTaken({ email: person.email }))
            ),
            Effect.catchTag("SqlError", Effect.die),
            Effect.catchTag("SchemaError", Effect.die)
          ),
        // Read and written in one transaction; what fails inside undoes it.
        rename: (id, firstName) =>
          sql.withTransaction(
            Effect.flatMap(find(id), (person) =>
              people.update(Person.update.make({ ...person, firstName })).pipe(
                Effect.catchTag("SchemaError", Effect.die)
              ))
          ).pipe(
            Effect.catchTag("SqlError", Effect.die)
          )
      })
    })
  )

  /** The same without a database. */
  static readonly layerMemory = Layer.effect(
    People,
    Effect.gen(function*() {
      const people = yield* Ref.make<ReadonlyArray<Person>>([])
      const find = (id: number) =>
        Effect.flatMap(Ref.get(people), (all) => {
          const person = all.find((each) => each.id === id)
          return person === undefined ? Effect.fail(new PersonNotFound({ id })) : Effect.succeed(person)
        })
      return People.of({
        list: Ref.get(people),
        find,
        add: ({ email, firstName }) =>
          Effect.flatMap(Ref.get(people), (all) => {
            if (all.some((each) => each.email === email)) return Effect.fail(new EmailTaken({ email }))
            const person = new Person({ id: all.length + 1, email, firstName })
            return Effect.as(Ref.set(people, [...all, person]), person)
          }),
        rename: (id, firstName) =>
          Effect.flatMap(find(id), (person) => {
            const renamed = new Person({ ...person, firstName })
            return Effect.as(Ref.update(people, (all) => all.map((each) => each.id === id ? renamed : each)), renamed)
          })
      })
    })
  )
}
