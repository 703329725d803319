import type { Failure } from './failure.ts'
import { describeRefusal } from './refusal.ts'

/** The rich inside of a failure, for the log only. */
export function describeFailure(failure: Failure): { reason: string; code?: string; detail?: string } {
  const { reason } = failure
  switch (reason) {
    case 'notice_rejected':
    case 'wechat_untrusted':
      return { reason, detail: failure.check }
    case 'notice_contradicts':
      return { reason, detail: failure.field }
    case 'invalid_request':
      return { reason, detail: failure.field }
    case 'wechat_refused':
      return { reason, code: failure.code, detail: failure.text }
    case 'wechat_misconfigured':
    case 'refund_refused':
    case 'shipping_refused':
      return { reason, code: failure.code, detail: describeRefusal(failure.cure, failure.text) }
    case 'unavailable':
      return { reason, code: failure.why, detail: failure.dependency }
    case 'not_configured':
      return { reason, detail: failure.variable }
    default:
      return { reason }
  }
}
