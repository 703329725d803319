import type { Failure } from './failure.ts'
import type { NoAnswer } from './no-answer.ts'

/** The fields of a failure that go to the log only, never to the caller. */
export function describeFailure(failure: Failure): {
  reason: string
  code?: string
  detail?: string
} {
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
    case 'payout_refused':
    case 'shipping_refused':
    case 'complaint_refused':
      return { reason, code: failure.code, detail: describeRefusal(failure.remedy, failure.text) }
    case 'wechat_unknown':
      return { reason, ...describeSilence(failure.silence) }
    case 'unavailable':
      return {
        reason,
        code: failure.why,
        detail: [failure.dependency, failure.errorCode].join(' ').trim(),
      }
    case 'not_configured':
      return {
        reason,
        ...(failure.why === undefined ? {} : { code: failure.why }),
        detail: failure.variable,
      }
    default:
      return { reason }
  }
}

/** `code` is the kind; `detail` is Node's own code or a gateway's status. */
const describeSilence = (silence: NoAnswer | undefined) =>
  silence === undefined
    ? {}
    : { code: silence.why, ...(silence.code === undefined ? {} : { detail: silence.code }) }

/**
 * Joins the remedy of a refusal and WeChat's own text into one line for the log. Either may be
 * empty.
 */
export const describeRefusal = (remedy: string, text = ''): string =>
  text === '' || remedy === '' ? remedy + text : `${remedy}: ${text}`
