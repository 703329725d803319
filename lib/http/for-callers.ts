import type { Caller } from '../core/caller.ts'
import { ok, type Outcome } from '../core/result.ts'
import type { Deps, LimitedStep } from '../ports.ts'
import { requireCaller } from './authenticate.ts'
import { callersOf, limit } from './limit.ts'
import type { Handled, Handler } from './serve.ts'

interface Admission<K extends Caller['kind'], A> {
  readonly allow: readonly K[]
  /** The limit that these calls count towards, if there is one. */
  readonly limit?: LimitedStep
  readonly read: (
    request: Request,
    caller: Extract<Caller, { kind: K }>,
  ) => Outcome<A> | Promise<Outcome<A>>
}

/**
 * A handler for callers with a token. It identifies the caller, checks the limit, reads the request
 * and names the order in the log, in this sequence. `work` runs only if all of that succeeds.
 */
export const forCallers =
  <K extends Caller['kind'], A>(
    { allow, limit: step, read }: Admission<K, A>,
    work: (
      deps: Deps,
      caller: Extract<Caller, { kind: K }>,
      asked: A,
      request: Request,
    ) => Promise<Handled>,
  ): Handler =>
  async (request, deps, edge) => {
    const caller = await requireCaller(request, edge, allow)
    if (!caller.ok) return caller
    const limited =
      step === undefined ? ok(null) : limit(edge, step, callersOf(request, caller.value))
    if (!limited.ok) return limited
    const asked = await read(request, caller.value)
    if (!asked.ok) return asked
    const outTradeNo = findOrderNumber(asked.value)
    if (outTradeNo !== undefined) deps.setLogOrder(outTradeNo)
    return work(deps, caller.value, asked.value, request)
  }

const findOrderNumber = (asked: unknown): string | undefined =>
  typeof asked === 'object' &&
  asked !== null &&
  'outTradeNo' in asked &&
  typeof asked.outTradeNo === 'string'
    ? asked.outTradeNo
    : undefined
