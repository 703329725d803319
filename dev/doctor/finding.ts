/** What a check came to. */

/**
 * - `ok`, `warning`, `wrong`: as it says
 * - `unknown`: whoever would know could not be asked
 * - `skipped`: not configured and not required, or something else comes first
 */
export type Status = 'ok' | 'warning' | 'wrong' | 'unknown' | 'skipped'

export interface Finding {
  /** The group it belongs to: `pay`, `redis` … */
  readonly check: string
  /** Stable, for programs. Within a check. */
  readonly code: string
  readonly status: Status
  /** One sentence without its full stop. */
  readonly what: string
  /** What comes of it; empty where all is well. */
  readonly why: string
  /** Where it is mended; empty where all is well. */
  readonly where: string
}

/** Everything a check can say, each under its code, with `{names}` where what was found is put in. */
export type Verdicts = Readonly<Record<string, Verdict>>

interface Verdict {
  readonly status: Status
  readonly what: string
  readonly why?: string
  readonly where?: string
}

/** How a check reports: by code, and with what was found. Nothing secret may be among that. */
export const reporter =
  <const C extends string>(check: string, verdicts: Readonly<Record<C, Verdict>>) =>
  (code: C, found: Readonly<Record<string, string>> = {}): Finding => {
    const { status, what, why = '', where = '' } = verdicts[code]
    const fill = (text: string) =>
      text.replace(/\{(\w+)\}/g, (_, name: string) => found[name] ?? '')
    return { check, code, status, what: fill(what), why: fill(why), where: fill(where) }
  }
