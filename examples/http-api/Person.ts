/** A person, as the database, the program and the clients of the API have it. */
import { Schema } from "effect"
import { Model } from "effect/schema"

export class Person extends Model.Class<Person>("Person")({
  /** Given by the database: no part of an insert, nor of what clients send. */
  id: Model.Field({ select: Schema.Int, update: Schema.Int, json: Schema.Int }),
  firstName: Schema.String,
  email: Schema.String
}) {}

/** Somebody has this address already. */
export class EmailTaken extends Schema.TaggedError<EmailTaken>()("EmailTaken", { email: Schema.String }, {
  httpApiStatus: 409
}) {}

/** No person has this number. */
export class PersonNotFound extends Schema.TaggedError<PersonNotFound>()("PersonNotFound", { id: Schema.Int }, {
  httpApiStatus: 404
}) {}
