/** The meaning of each error code of `stable_token`, and what a person does. */
import type { Failure } from '../core/failure.ts'
import { SECRET_WRONG } from './login.ts'

type Refusal =
  | { readonly reason: 'wechat_busy' }
  | { readonly reason: 'wechat_refused' }
  | { readonly reason: 'wechat_misconfigured'; readonly remedy: string }

const BUSY: Refusal = { reason: 'wechat_busy' }
const misconfigured = (remedy: string): Refusal => ({ reason: 'wechat_misconfigured', remedy })
const INCOMPLETE = misconfigured(
  'a field is missing in our request, or has a value that WeChat does not accept',
)

/**
 * For a code that is not in the table: there is no token now, and nothing is decided. The work that
 * needed it is retried later. The configuration is not blamed, because nothing says that it is
 * wrong.
 */
export const UNKNOWN_CODE: Refusal = { reason: 'wechat_refused' }

const table: ReadonlyMap<number, Refusal> = new Map<number, Refusal>([
  [-1, BUSY],
  [44990, BUSY],
  [45009, BUSY],
  [45011, BUSY],
  [40002, INCOMPLETE],
  [41002, INCOMPLETE],
  [41004, INCOMPLETE],
  [
    40013,
    misconfigured('WeChat does not know WECHAT_APPID: compare it with the Mini Program console'),
  ],
  [40001, misconfigured(SECRET_WRONG)],
  [40125, misconfigured(SECRET_WRONG)],
  [40243, misconfigured('the AppSecret is frozen: unfreeze it in the Mini Program console')],
  [
    40164,
    misconfigured(
      'the Mini Program only takes calls from listed addresses: switch its IP allow-list off in the Mini Program console',
    ),
  ],
  [
    48001,
    misconfigured(
      'the Mini Program may not make this call: look at its permissions in the Mini Program console',
    ),
  ],
])

/** The codes of a call with an access token that WeChat does not accept. */
export const TOKEN_REFUSED: readonly number[] = [40001, 40014, 41001, 42001]

/** @param text WeChat's `errmsg`, cleaned. */
export function tokenFailure(errcode: number, text: string): Failure {
  const refusal = table.get(errcode) ?? UNKNOWN_CODE
  return refusal.reason === 'wechat_busy' ? refusal : { ...refusal, code: String(errcode), text }
}
