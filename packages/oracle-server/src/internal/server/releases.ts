/** The protocol that a server of each release speaks, where the options do not say otherwise. */
import { versionParts } from "../engine/values/product.ts"
import { FieldVersion } from "../ttc/message.ts"

interface ReleaseProtocol {
  readonly netVersion: number
  readonly fieldVersion: number
  readonly endOfResponse: boolean
  readonly fastAuth: boolean
  readonly pipelines: boolean
}

const fieldVersionOf = (major: number, minor: number): number => {
  if (major >= 23) return FieldVersion.v23_4
  if (major >= 21) return FieldVersion.v21
  if (major >= 19) return FieldVersion.v19_ext
  if (major >= 18) return FieldVersion.v18
  return minor >= 2 ? FieldVersion.v12_2 : FieldVersion.v12_1
}

/** 12.1 is the oldest that Thin clients connect to; what is older speaks as it does. */
export const protocolOf = (version: string): ReleaseProtocol => {
  const [major = 0, minor = 0] = versionParts(version)
  const isNew = major >= 23
  return {
    netVersion: isNew ? 319 : major >= 19 ? 318 : 315,
    fieldVersion: fieldVersionOf(major, minor),
    endOfResponse: isNew,
    fastAuth: isNew,
    pipelines: isNew
  }
}
