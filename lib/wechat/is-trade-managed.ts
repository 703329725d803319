/**
 * Whether WeChat holds the money of this Mini Program's orders until they are shipped.
 *
 * Source: developers.weixin.qq.com, business-capabilities/order-shipping, is_trade_managed
 */
import * as v from 'valibot'
import type { Failure } from '../core/failure.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { TradeManagementAnswer } from '../ports.ts'
import type { MiniProgramSettings } from './login.ts'
import { outcome, postJson } from './post-json.ts'
import { cleanRefusalText } from './refusal-text.ts'
import { tokenFailure, TOKEN_REFUSED } from './token-codes.ts'

const answerSchema = v.object({ ...outcome, is_trade_managed: v.optional(v.boolean()) })

export async function isTradeManaged(
  { host, appid }: MiniProgramSettings,
  token: string,
): Promise<Result<TradeManagementAnswer, Failure>> {
  const answer = await postJson(
    {
      host,
      path: '/wxa/sec/order/is_trade_managed',
      query: `?access_token=${encodeURIComponent(token)}`,
      isRepeatable: true,
    },
    { appid },
    answerSchema,
  )
  if (!answer.ok) return answer
  const { errcode, errmsg, is_trade_managed: isManaged } = answer.value
  const text = cleanRefusalText(errmsg, [token])
  if (TOKEN_REFUSED.includes(errcode))
    return ok({ outcome: 'token_refused', code: String(errcode), text })
  if (errcode !== 0) return err(tokenFailure(errcode, text))
  return isManaged === undefined
    ? err({ reason: 'wechat_untrusted', check: 'content' })
    : ok({ outcome: 'known', isManaged })
}
