import { describeFailure } from '../core/describe-failure.ts'
import { failureOf, type Failure } from '../core/failure.ts'
import type { LogFields } from '../core/log-fields.ts'
import { err, type Outcome } from '../core/result.ts'
import type { Deps } from '../ports.ts'

/**
 * Runs one unit of work. An error that it throws becomes a failure. `line` is logged with the
 * reason; null: the caller logs it.
 */
export type Guard = <T>(
  line: LogFields | null,
  work: () => Promise<Outcome<T>>,
) => Promise<Outcome<T>>

export const unguarded: Guard = (_, work) => work()

/**
 * Keeps the units of a run apart: one that throws is logged and passed to `note`, and the others go
 * on.
 */
export const createGuard =
  (deps: Pick<Deps, 'log' | 'logBug'>, note: (failure: Failure) => void = () => undefined): Guard =>
  async (line, work) => {
    try {
      return await work()
    } catch (cause) {
      const failure = failureOf(cause)
      if (failure.reason === 'internal_error') deps.logBug(cause, line?.order)
      if (line !== null) deps.log({ ...line, ...describeFailure(failure) })
      note(failure)
      return err(failure)
    }
  }
