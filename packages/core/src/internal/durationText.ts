/** Milliseconds as a person reads them: `250ms`, `5s`, `2m 30s`. */
export const formatDuration = (millis: number): string => {
  if (!Number.isFinite(millis)) return "ever"
  if (millis < 1000) return `${Math.round(millis)}ms`
  if (millis < 60_000) return `${Math.round(millis / 100) / 10}s`
  const minutes = Math.floor(millis / 60_000)
  const seconds = Math.round((millis - minutes * 60_000) / 1000)
  return seconds === 0 ? `${minutes}m` : `${minutes}m ${seconds}s`
}
