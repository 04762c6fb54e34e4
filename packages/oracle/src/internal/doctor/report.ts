/** Prints findings: a line each while the doctor works, a summary, and a Markdown report. No secret ever stands in them. */
import * as Redacted from "effect/Redacted"
import { redactSecrets } from "../secretRedaction.ts"
import type { Finding, Status } from "./finding.ts"
import type { Target } from "./probe.ts"

const marks: Readonly<Record<Status, string>> = { ok: "ok", warning: "warning", failed: "FAILED", skipped: "skipped" }

/** Takes out what the target must keep secret, should a message have repeated it. */
const withoutSecrets = (text: string, target: Target): string =>
  [target.password, target.walletPassword]
    .map((secret) => secret === undefined ? "" : Redacted.value(secret))
    .filter((secret) => secret.length > 0)
    .reduce((shown, secret) => shown.replaceAll(secret, "<redacted>"), text)

const adviceOf = (finding: Finding): string | undefined => finding.status === "ok" ? undefined : finding.advice

/** One finding as lines for a terminal. */
export const findingLines = (finding: Finding, number: number, count: number, target: Target): string => {
  const place = `[${String(number).padStart(String(count).length)}/${count}]`
  const head = `${place} ${marks[finding.status].padEnd(8)} ${finding.check}: ${finding.found}`
  const advice = adviceOf(finding)
  return withoutSecrets(advice === undefined ? head : `${head}\n${" ".repeat(place.length + 10)}-> ${advice}`, target)
}

const countOf = (findings: ReadonlyArray<Finding>, status: Status): number =>
  findings.filter((finding) => finding.status === status).length

/** The counts, in a sentence. */
export const summaryLine = (findings: ReadonlyArray<Finding>): string => {
  const failed = countOf(findings, "failed")
  const counts = `${countOf(findings, "ok")} ok, ${countOf(findings, "warning")} warnings, ${failed} failed, ${
    countOf(findings, "skipped")
  } skipped`
  return failed === 0 ? `${counts}. The pool can run on this database.` : `${counts}. Fix what failed, from the top.`
}

const cell = (text: string): string => text.replace(/[|\\]/g, "\\$&").replace(/[\r\n]+/g, " ")

/** The whole as a Markdown page. `date` is when it was made. */
export const markdownReport = (findings: ReadonlyArray<Finding>, target: Target, date: string): string => {
  const areas = [...new Set(findings.map(({ area }) => area))]
  const tables = areas.map((area) => {
    const rows = findings.filter((finding) => finding.area === area).map((finding) =>
      `| ${cell(finding.check)} | ${marks[finding.status]} | ${cell(finding.found)} | ${
        cell(adviceOf(finding) ?? "")
      } | ${finding.millis} |`
    )
    return [
      `## ${area}`,
      "",
      "| check | result | found | what to do | ms |",
      "| --- | --- | --- | --- | --- |",
      ...rows,
      ""
    ]
      .join("\n")
  })
  const head = [
    "# sessionpool-oracle doctor",
    "",
    `- database: \`${redactSecrets(target.connectString)}\``,
    `- user: \`${target.user}\``,
    `- date: ${date}`,
    `- result: ${summaryLine(findings)}`,
    ""
  ]
  return withoutSecrets([...head, ...tables].join("\n"), target)
}
