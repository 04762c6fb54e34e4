/** A certificate authority that lives as long as a server: it issues the server's certificate and those of clients. */
import { isIP } from "node:net"
import { attributesOf } from "./distinguishedName.ts"

/** A certificate with its key, both in PEM. */
export interface KeyAndCertificate {
  readonly key: string
  readonly certificate: string
}

interface CertificateRequest {
  readonly subject: string
  /** Host names and addresses; none for a client. */
  readonly names?: ReadonlyArray<string>
  readonly expires?: Date
}

const day = 24 * 60 * 60_000

// Loaded when a server speaks TLS and no sooner: it takes a sixth of a second.
const generator = () => import("selfsigned")

export class Authority {
  /** The authority's own certificate: whoever trusts it trusts what it issues. */
  readonly certificate: string
  readonly #key: string

  private constructor(certificate: string, key: string) {
    this.certificate = certificate
    this.#key = key
  }

  static async make(): Promise<Authority> {
    const { generate } = await generator()
    const made = await generate([{ name: "commonName", value: "sessionpool test authority" }], {
      keyType: "ec",
      algorithm: "sha256",
      notAfterDate: new Date(Date.now() + 365 * day),
      extensions: [
        { name: "basicConstraints", cA: true, critical: true },
        { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true }
      ]
    })
    return new Authority(made.cert, made.private)
  }

  async issue({ expires, names = [], subject }: CertificateRequest): Promise<KeyAndCertificate> {
    const { generate } = await generator()
    const notAfterDate = expires ?? new Date(Date.now() + day)
    const made = await generate([...attributesOf(subject)], {
      keyType: "ec",
      algorithm: "sha256",
      ca: { key: this.#key, cert: this.certificate },
      // A certificate may be asked for that has expired already.
      notBeforeDate: new Date(Math.min(Date.now(), notAfterDate.getTime()) - 60_000),
      notAfterDate,
      extensions: [
        { name: "basicConstraints", cA: false },
        { name: "keyUsage", digitalSignature: true, keyAgreement: true },
        { name: "extKeyUsage", serverAuth: true, clientAuth: true },
        ...(names.length === 0 ? [] : [{
          name: "subjectAltName" as const,
          altNames: names.map((name) =>
            isIP(name) === 0 ? { type: 2 as const, value: name } : { type: 7 as const, ip: name }
          )
        }])
      ]
    })
    return { key: made.private, certificate: made.cert }
  }
}
