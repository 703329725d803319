import type { Caller } from '../core/caller.ts'
import type { Failure } from '../core/failure.ts'
import { BEARER, fixedProblems, RETRY_SOON, retryAfter, type Problem } from './fixed-problems.ts'

/**
 * The reader of an answer. WeChat's own text may disclose the merchant's affairs, such as an empty
 * balance, so payers never see it.
 */
export type Reader = 'merchant' | 'anyone'

const TOKENS: Readonly<Record<Caller['kind'], string>> = {
  user: 'a token of /api/login',
  merchant: 'the merchant key (MERCHANT_API_KEY)',
  cron: 'the cron secret (CRON_SECRET)',
}
const nameTokens = (needs: readonly Caller['kind'][]): string =>
  needs.map((kind) => TOKENS[kind]).join(' or ')

/** The caller's text for a failure, without secrets. A reason without an entry does not compile. */
export function toProblem(failure: Failure, reader: Reader = 'anyone'): Problem {
  const quoteWechat = ({ code, text = '' }: { readonly code: string; readonly text?: string }) =>
    `WeChat answered ${code}${reader === 'merchant' && text !== '' ? ` (“${text}”)` : ''}`
  switch (failure.reason) {
    case 'invalid_request':
      return {
        status: 400,
        title: 'The request is invalid',
        detail: `${failure.field}: ${'fault' in failure ? failure.fault : `expected ${failure.expected}`}`,
      }
    case 'not_signed_in':
      return {
        status: 401,
        title: 'A token is required',
        detail: `Send the header Authorization: Bearer with ${nameTokens(failure.needs)}.`,
        headers: BEARER,
      }
    case 'wrong_token':
      return {
        status: 403,
        title: 'This token does not permit the call',
        detail: `The token is valid, but this call needs ${nameTokens(failure.needs)}.`,
      }
    case 'method_not_allowed':
      return {
        status: 405,
        title: 'Wrong method',
        detail: `This address accepts ${failure.allow}.`,
        headers: { allow: failure.allow },
      }
    case 'refund_refused':
      return {
        status: 409,
        title: 'WeChat refused the refund',
        detail: `${quoteWechat(failure)}: ${failure.remedy}.`,
      }
    case 'payout_refused':
      return {
        status: 409,
        title: 'WeChat refused the payout',
        detail: `${quoteWechat(failure)}: ${failure.remedy}. The refund is still CHANGE.`,
      }
    case 'shipping_refused':
      return {
        status: 409,
        title: 'WeChat refused the shipment',
        detail: `${quoteWechat(failure)}: ${failure.remedy}.`,
      }
    case 'complaint_refused':
      return {
        status: 409,
        title: 'WeChat refused the action',
        detail: `${quoteWechat(failure)}: ${failure.remedy}.`,
      }
    case 'too_many_requests':
      return {
        status: 429,
        title: 'Too many requests',
        detail: 'Wait a moment, then try again.',
        headers: retryAfter(failure.retryAfterSeconds),
      }
    case 'too_many_open_orders':
      return {
        status: 429,
        title: 'Too many unpaid orders',
        detail: `You have ${failure.most} unpaid orders. Pay one of them, or close it: it counts until WeChat has closed it too, or until its timeExpire.`,
      }
    case 'wechat_refused':
      return {
        status: 502,
        title: 'WeChat refused',
        detail: `${quoteWechat(failure)}; nothing was changed.`,
      }
    case 'wechat_misconfigured':
      return {
        status: 502,
        title: 'WeChat does not accept our configuration',
        detail: `${quoteWechat(failure)}: ${failure.remedy}.`,
      }
    case 'unavailable':
      return {
        status: 503,
        title: 'Temporarily unavailable',
        detail: `The ${failure.dependency} did not answer. It is not known whether the request took effect. It is safe to retry (a login or phone number: with a new code; an order: with the same Idempotency-Key).`,
        headers: RETRY_SOON,
      }
    case 'not_configured':
      return {
        status: 503,
        title: 'Not configured',
        detail: `The environment variable ${failure.variable} ${failure.fault}.`,
      }
    default:
      return fixedProblems[failure.reason]
  }
}

/** RFC 9457 `application/problem+json`. */
export function problem(failure: Failure, requestId: string, reader: Reader = 'anyone'): Response {
  const described = toProblem(failure, reader)
  return new Response(JSON.stringify(bodyOf(failure, described, requestId)), {
    status: described.status,
    headers: { ...described.headers, 'content-type': 'application/problem+json' },
  })
}

/** A problem inside another answer, with its `Retry-After` as a field. */
export function embeddedProblem(failure: Failure, requestId: string, reader?: Reader) {
  const described = toProblem(failure, reader)
  const seconds = described.headers?.['retry-after']
  return {
    ...bodyOf(failure, described, requestId),
    ...(seconds === undefined ? {} : { retryAfterSeconds: Number(seconds) }),
  }
}

const bodyOf = ({ reason }: Failure, { title, status, detail }: Problem, requestId: string) => ({
  type: `urn:wechat-pay-functions:problem:${reason}`,
  title,
  status,
  detail,
  code: reason,
  requestId,
})
