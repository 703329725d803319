/** The result of a check. */

/**
 * - `ok`, `warning`, `wrong`
 * - `unknown`: the service that would know did not answer
 * - `skipped`: not configured and not required, or another problem comes first
 */
export type Status = 'ok' | 'warning' | 'wrong' | 'unknown' | 'skipped'

export interface Finding {
  /** The group of the check: `pay`, `redis` … */
  readonly check: string
  /** Stable, for programs, and unique within a check. */
  readonly code: string
  readonly status: Status
  /** One sentence without its full stop. */
  readonly what: string
  /** The consequence. Empty without a problem. */
  readonly why: string
  /** The remedy. Empty without a problem. */
  readonly where: string
}

/** All findings of a check by code. `{names}` are replaced by what was found. */
export type Verdicts = Readonly<Record<string, Verdict>>

interface Verdict {
  readonly status: Status
  readonly what: string
  readonly why?: string
  readonly where?: string
}

/** Reports a finding by its code. The values must not be secret. */
export const reporter =
  <const C extends string>(check: string, verdicts: Readonly<Record<C, Verdict>>) =>
  (code: C, found: Readonly<Record<string, string>> = {}): Finding => {
    const { status, what, why = '', where = '' } = verdicts[code]
    const fill = (text: string) =>
      text.replace(/\{(\w+)\}/g, (_, name: string) => found[name] ?? '')
    return { check, code, status, what: fill(what), why: fill(why), where: fill(where) }
  }
